"""What the finished arms of an experiment say: judged once, as sentences, Markdown, JSON and a figure."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import RequestError, RunError
from lobass_core.files.atomic_file import write_whole
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import PlannedArm, ValidateRun
from lobass_core.project import Project
from lobass_core.validation.arm_results import ID_DIGITS, ArmCache, MeasuredRows, digest_of
from lobass_core.validation.arms import RANDOM
from lobass_core.validation.figure import svg
from lobass_core.validation.forest import forest
from lobass_core.validation.judge import Finished, Judgement, budgets_to_compare, judge
from lobass_core.validation.report import markdown
from lobass_core.words.plural import plural
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.runs import open_run
from lobass_core.workflows.validate_plan import content_of

KIND = "validate"
# As the worker reads them (worker/validate_job.py).
ARMS, MEASURED = "arms.parquet", "measured.parquet"
_judged: Recent[Judgement] = Recent(8)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the finished arms of a run say; `n_missing` arms are not finished.

    `folder` has the report's files, named after the run, if they could be written.
    """

    run_id: str
    judged: Judgement
    n_missing: int
    title: str
    facts: tuple[tuple[str, str], ...]
    folder: Path
    is_written: bool

    def to_dict(self) -> dict:
        """As JSON has it."""
        return {"run": self.run_id, "n_missing": self.n_missing, **self.judged.to_dict()}

    def markdown(self, name: str = "") -> str:
        """The text of the Markdown file, which shows the figure of the same `name`, the run's without one."""
        return markdown(self.judged, self.title, self.facts, figure=f"{name or self.run_id}.svg")

    def json(self) -> str:
        """The text of the JSON file."""
        return json.dumps(self.to_dict(), indent=1) + "\n"

    def figure(self, view: str = "rows", budget: float | None = None) -> str:
        """The forest plot as SVG.

        Raises:
            RequestError: there is no such view or budget.
        """
        return svg(forest(self.judged, view, budget), self.title)

    def write(self, folder: Path, name: str = "") -> list[Path]:
        """Write Markdown, JSON and figure under this name, the run's without one; returns their paths."""
        name = name or self.run_id
        texts = {"md": self.markdown(name), "json": self.json(), "svg": self.figure()}
        for ending, text in texts.items():
            _write(folder / f"{name}.{ending}", text)
        return [folder / f"{name}.{ending}" for ending in texts]


@dataclass(frozen=True, slots=True)
class ArmState:
    """A planned training, and whether its losses are there."""

    planned: PlannedArm
    is_finished: bool


def report(project: Project, run_id: str | None = None) -> Outcome:
    """What the finished arms of a run say; also of one that has not ended.

    Writes Markdown, JSON and figure beside the arms, unless the project can only be read.

    Raises:
        RunError: no such run, or it is none of an experiment, or none has been started, or an arm's file is damaged.
        RequestError: too few arms are finished to compare any.
    """
    run = _latest(project) if run_id is None else open_run(project, run_id)
    asked = run.spec_as(ValidateRun)
    states = arm_states(project, run)
    n_missing = sum(not one.is_finished for one in states)
    if n_missing == len(states):
        raise RequestError(f"no arm of run {run.run_id} is finished", do="Wait for it, or resume it.")
    measured = _measured(run)
    keys = tuple(content_of(asked, one.planned, measured.digest).key for one in states if one.is_finished)
    judged = _judged.get(
        (project.root, run.run_id, keys), lambda: judge(_finished(project, asked, measured), asked.set_names)
    )
    outcome = Outcome(
        run.run_id,
        judged,
        n_missing,
        f"Validation of {Path(asked.base.path).name}",
        tuple(_facts(project, asked, run, n_missing)),
        project.validation_dir,
        is_written=not project.is_read_only,
    )
    if outcome.is_written:
        outcome.write(outcome.folder)
    return outcome


def arm_states(project: Project, run: RunFolder) -> list[ArmState]:
    """Every planned training of an experiment, in the order in which they are done."""
    asked, cache = run.spec_as(ValidateRun), ArmCache(project.validation_dir)
    measured = measured_by(run)
    return [ArmState(one, cache.has(content_of(asked, one, measured))) for one in asked.planned]


def is_complete(project: Project, run: RunFolder) -> bool:
    """Whether every arm of an experiment can be read, and what it was measured on."""
    rows = ArmCache(project.validation_dir).has_rows(measured_by(run))
    return rows and all(one.is_finished for one in arm_states(project, run))


def can_compare(states: list[ArmState]) -> bool:
    """Whether finished arms can be compared already: two random draws, and another arm at their budget."""
    finished = [one.planned for one in states if one.is_finished]
    return bool(budgets_to_compare(finished)) and any(one.arm != RANDOM for one in finished)


def measured_by(run: RunFolder) -> str:
    """What names the held-out rows of an experiment.

    Raises:
        RunError: the run's own list of them is damaged.
    """
    return _measured(run).digest


@dataclass(frozen=True, slots=True)
class _Measured:
    """The set and the group of near duplicates of every held-out row, by the beginning of its id; runs of before
    groups were kept have none."""

    set_of: dict[str, str]
    group_of: dict[str, int]

    @property
    def digest(self) -> str:
        return digest_of(self.set_of)


def _measured(run: RunFolder) -> _Measured:
    table = read_parquet(run.path / MEASURED)
    ids = [sample_id[:ID_DIGITS] for sample_id in table["sample_id"].to_pylist()]
    groups = table["near_duplicates"].to_pylist() if "near_duplicates" in table.column_names else []
    return _Measured(
        dict(zip(ids, table["set_name"].to_pylist(), strict=True)),
        dict(zip(ids, groups, strict=True) if groups else ()),
    )


def _finished(project: Project, asked: ValidateRun, measured: _Measured) -> list[Finished]:
    cache = ArmCache(project.validation_dir)
    rows = _rows(cache.read_rows(measured.digest), measured)
    finished = []
    for one in asked.planned:
        content = content_of(asked, one, rows.digest)
        if cache.has(content):
            finished.append(Finished(one.arm, one.budget, one.draw, one.seed, cache.read(content), rows, one.is_drawn))
    return finished


def _rows(kept: MeasuredRows, measured: _Measured) -> MeasuredRows:
    """The measured rows under the names that this experiment has for their sets: another may have had others."""
    sets = tuple(measured.set_of[sample_id] for sample_id in kept.sample_ids)
    groups = tuple(measured.group_of[sample_id] for sample_id in kept.sample_ids) if measured.group_of else ()
    return MeasuredRows(kept.sample_ids, sets, kept.n_tokens, groups)


def _facts(project: Project, asked: ValidateRun, run: RunFolder, n_missing: int) -> list[tuple[str, str]]:
    own = asked.settings
    equal = "the same number of steps for each arm" if own.equal == "steps" else "each arm over its own rows"
    epochs = f"{own.epochs:g} " + ("epoch" if own.epochs == 1 else "epochs")
    base = Path(asked.base.path)
    facts = [
        # A report is for others too: where the project lies on this machine is nothing to them.
        ("Base", str(base.relative_to(project.root)) if base.is_relative_to(project.root) else asked.base.path),
        ("Scores", f"run {asked.scoring}; its reference may have been trained on the held-out rows too"),
        ("Training", f"{own.method}, {epochs}, {equal}, {plural(own.seeds, 'seed')}"),
        ("Run", run.run_id),
    ]
    return [*facts, ("Not finished", plural(n_missing, "arm"))] if n_missing else facts


def _write(path: Path, text: str) -> None:
    """Write the file unless it says so already: a page asks for its report often."""
    with suppress(OSError, ValueError):
        if path.read_text(encoding="utf-8") == text:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def _latest(project: Project) -> RunFolder:
    for run in reversed(list_runs(project.runs_dir)):
        if run.kind == KIND:
            return run
    raise RunError("no experiment has been started", do="Start one with lobass validate.")
