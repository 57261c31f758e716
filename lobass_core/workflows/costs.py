"""What a scoring costs against training on everything: passes over the pool, and hours at the speed measured here."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lobass_core.errors import LobassError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, ScoreSpec, TrainReferenceSpec
from lobass_core.store.counts import count_samples_of
from lobass_core.store.datasets import list_datasets
from lobass_core.validation.passes import FINAL_EPOCHS, TRAINING, scoring_passes, training_passes
from lobass_core.words.clock import seconds_between
from lobass_core.words.loss_columns import TARGET, is_member
from lobass_core.words.plural import plural
from lobass_core.words.time_words import duration
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.recipes import RECIPE, Recipe, read_recipe
from lobass_core.workflows.scored import Scored
from lobass_core.workflows.target_rows import target_rows

# Starting a worker takes seconds, which say nothing of a speed.
LEAST_SAMPLES = 50
# Runs write their times to the second: a shorter one says nothing of the speed.
LEAST_SECONDS = 3.0
_targets: Recent[int] = Recent(4)
_counts: Recent[int] = Recent(8)
_scorings: Recent["Cost"] = Recent(4)


@dataclass(frozen=True, slots=True)
class Speed:
    """How many seconds one pass over one sample takes on average, as a finished run of this base measured it.

    `runs` names them; `device` is where they ran.
    """

    device: str
    runs: tuple[str, ...]
    scoring_seconds: float
    training_seconds: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Passes over the pool, and seconds where a speed is known.

    `training` is what the references cost, `was_trained` says that it has been spent; `final` is training a model on
    `share` of the pool for `FINAL_EPOCHS`. `share` is 0 before anything is selected. A reference that is still to be
    trained is so on `trained_share` of the pool.
    """

    n_samples: int
    training: float
    scoring: float
    share: float = 0.0
    final: float = 0.0
    was_trained: bool = False
    trained_share: float = 1.0
    speed: Speed | None = None

    @property
    def everything(self) -> float:
        """Training on all rows, for as many epochs."""
        return training_passes(FINAL_EPOCHS)

    @property
    def total(self) -> float:
        """References, scoring, and the final model where its share is known."""
        return self.training + self.scoring + self.final

    @property
    def seconds(self) -> float | None:
        """Of what is left to do: without a training that was done before."""
        if self.speed is None:
            return None
        left = self.final + (0.0 if self.was_trained else self.training)
        return self.n_samples * (self.scoring * self.speed.scoring_seconds + left * self.speed.training_seconds)

    @property
    def everything_seconds(self) -> float | None:
        """Of training on all rows."""
        return self.n_samples * self.everything * self.speed.training_seconds if self.speed else None

    @property
    def sentence(self) -> str:
        """The passes against those of training on everything."""
        training, scoring, final, total, everything, percent = map(
            _short, (self.training, self.scoring, self.final, self.total, self.everything, 100 * self.share)
        )
        parts = [f"{training} to train the reference"] if self.training else []
        parts += [f"{scoring} to score"]
        parts += [f"{final} to train on {percent} % for {self._epochs}"] if self.share else []
        spent = ", ".join(parts)
        no_training = "" if self.training else " The reference needs no training."
        compared = "less than" if self.total < self.everything else "no less than"
        return (
            f"Passes over the pool: {total} ({spent}), {compared} the {everything} of training on all rows for "
            f"{self._epochs}.{no_training}"
        )

    @property
    def _epochs(self) -> str:
        return plural(FINAL_EPOCHS, "epoch")

    @property
    def time_sentence(self) -> str:
        """How long that takes here, or why nobody can say."""
        if self.speed is None or self.seconds is None or self.everything_seconds is None:
            return "How long that takes is unknown: no finished run of this project has timed this base yet."
        runs = " and ".join(f"run {run_id}" for run_id in self.speed.runs)
        what = "Scoring every row takes" if self.was_trained else "That takes"
        what = "Together they take" if self.final else what
        return (
            f"{what} about {duration(self.seconds)} on {self.speed.device}, training on all rows "
            f"{duration(self.everything_seconds)}, at the speed of {runs}."
        )

    def to_dict(self) -> dict:
        return {
            **asdict(self), "everything": self.everything, "total": self.total, "seconds": self.seconds,
            "everything_seconds": self.everything_seconds, "sentences": [self.sentence, self.time_sentence],
        }  # fmt: skip


def cost_of_training(project: Project, spec: TrainReferenceSpec) -> Cost:
    """What training the reference costs, and scoring with it; a target's rows count as their share of the pool.

    Raises:
        LobassError: the target is neither a dataset nor a file that can be read.
    """
    n_samples = _n_samples(project, spec.datasets)
    share = n_target_samples(project, spec.target) / max(n_samples, 1) if spec.target else 1.0
    speed = measured_speed(project, spec.base, spec.device, spec.method)
    return planned(Cost(n_samples, 0.0, 0.0, trained_share=share, speed=speed), spec)


def planned(cost: Cost, spec: TrainReferenceSpec) -> Cost:
    """The cost of another training on the same rows of the same pool, and of scoring with it."""
    columns = 1 + spec.seeds * (math.ceil(spec.epochs) if spec.keep_epochs else 1)
    training = training_passes(spec.epochs, folds=spec.folds, seeds=spec.seeds, share=cost.trained_share)
    return replace(cost, training=training, scoring=scoring_passes(columns))


def cost_of_scoring(project: Project, spec: ScoreSpec) -> Cost:
    """What scoring costs, and what the training of references that were trained here did."""
    names = [spec.reference_name, *(one.title for one in spec.others if one.name == TARGET)]
    recipes = [recipe for name in names if (recipe := _trained(project, name)) is not None]
    n_samples = _n_samples(project, spec.datasets)
    return Cost(
        n_samples=n_samples,
        training=sum(_training_of(recipe, n_samples) for recipe in recipes),
        scoring=scoring_passes(n_columns(spec)),
        was_trained=True,
        speed=measured_speed(project, spec.base, spec.device, recipes[0].method if recipes else ""),
    )


def cost_of_selection(project: Project, rows: Scored, share: float) -> Cost:
    """What the selection of a share of the rows cost, its reference too, and what training on it will.

    Raises:
        SelectionError: nothing is scored.
    """
    scoring = rows.need_scoring()
    changed = project.runs_dir.stat().st_mtime_ns if project.runs_dir.is_dir() else 0
    cost = _scorings.get((rows.key, changed), lambda: cost_of_scoring(project, scoring.spec))
    return replace(cost, was_trained=False, share=share, final=training_passes(FINAL_EPOCHS, share=share))


def n_columns(spec: ScoreSpec) -> int:
    """How many models read each sample: base and references, the same models once."""
    own = [] if any(is_member(one.name) for one in spec.others) else [spec.references]
    return len({(spec.base,), *own, *(one.models for one in spec.others)})


def n_target_samples(project: Project, target: str) -> int:
    """Samples of a target: a dataset, or a file, which is read once.

    Raises:
        LobassError: it is neither a dataset nor a file that can be read.
    """
    path = Path(target).expanduser()
    key = (project.root, target, path.stat().st_mtime_ns if path.is_file() else 0)

    def count() -> int:
        with project.store() as store:
            cursor = store.cursor()
            return sum(batch.num_rows for batch in target_rows(cursor, list_datasets(cursor), target).batches)

    return _targets.get(key, count)


def _n_samples(project: Project, datasets: Sequence[str]) -> int:
    with project.store() as store:
        key = (project.store_path, store.content(), tuple(datasets))
        return _counts.get(key, lambda: count_samples_of(store.cursor(), datasets))


def _trained(project: Project, name: str) -> Recipe | None:
    """The recipe of a reference that was trained here; None of another, and of one whose recipe is damaged."""
    folder = project.models_dir / name
    if not name or not (folder / RECIPE).is_file():
        return None
    try:
        recipe = read_recipe(folder)
    except LobassError:
        return None
    return recipe if recipe.spec else None


def _training_of(recipe: Recipe, n_samples: int) -> float:
    spec = recipe.spec
    assert spec is not None
    # What the pool has become since then, or another scope of scoring, is the yardstick.
    share = recipe.n_samples / n_samples if recipe.n_samples and n_samples else 1.0
    return training_passes(spec.epochs, folds=spec.folds, seeds=spec.seeds, share=share)


def measured_speed(project: Project, base: ModelSpec, device: str, method: str = "") -> Speed | None:
    """The speed of the largest finished runs of this base on this device; None where there is none.

    The larger a run, the less starting it counts. `device` auto is that of the latest of them, `method` the one of a
    training, any for "". Where only a training or only a scoring was timed, the other is reckoned from it.
    """
    timed: dict[str, Timed] = {}
    where = "" if device == "auto" else device
    for run in reversed(list_runs(project.runs_dir)):
        kind = kind_of(run, base, method)
        if not kind or (measured := time_of(run)) is None or not is_on(where or "auto", measured.device):
            continue
        where = where or measured.device
        if kind not in timed or measured.n_samples > timed[kind].n_samples:
            timed[kind] = measured
    if not timed:
        return None
    scoring = timed["score"].seconds if "score" in timed else timed["train"].seconds / TRAINING
    training = timed["train"].seconds / TRAINING if "train" in timed else scoring
    return Speed(where, tuple(sorted(one.run_id for one in timed.values())), scoring, training)


@dataclass(frozen=True, slots=True)
class Timed:
    """What a finished run's worker took for each sample that it read, and where."""

    run_id: str
    device: str
    n_samples: int
    n_tokens: int
    seconds: float


def is_on(asked: str, device: str) -> bool:
    """Whether a device is of the kind asked for: cuda:0 is for cuda and for auto."""
    return asked == "auto" or asked.partition(":")[0] == device.partition(":")[0]


def kind_of(run: RunFolder, base: ModelSpec, method: str) -> str:
    """Whether a run trained or scored with this base; empty for neither."""
    if isinstance(run.spec, ScoreSpec) and run.kind == "score":
        return "score" if run.spec.base == base else ""
    if isinstance(run.spec, TrainReferenceRun):
        own = run.spec.reference
        return "train" if own.base == base and method in ("", own.method) else ""
    return ""


def time_of(run: RunFolder) -> Timed | None:
    """None of a run that is not done, read few samples itself, or was over too soon to tell."""
    progress = run.read_progress()
    if progress.state != "done" or progress.n_samples_done < LEAST_SAMPLES:
        return None
    seconds = seconds_between(progress.started_at, progress.finished_at)
    if seconds is None or seconds < LEAST_SECONDS:
        return None
    n_samples = progress.n_samples_done
    return Timed(run.run_id, progress.device, n_samples, progress.n_tokens_done, seconds / n_samples)


def _short(number: float) -> str:
    """2.8 of 2.75, 14 of 14.0, 0.5 of 0.54."""
    return f"{number:.1f}".removesuffix(".0") if number >= 1 else f"{number:.1g}"
