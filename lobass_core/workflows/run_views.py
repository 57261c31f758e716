"""Runs as a person watches them: what they do, how far and how fast they are, what stopped them."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

from lobass_core.errors import RunError
from lobass_core.jobs.progress import ErrorNote, Progress, RunState
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_ids import project_id_in
from lobass_core.jobs.run_list import DamagedRun, open_any, scan_runs
from lobass_core.jobs.run_results import ScoreRunResult, TrainReferenceResult
from lobass_core.jobs.run_specs import RunSpec, TrainReferenceRun, ValidateRun, model_names
from lobass_core.project import Project
from lobass_core.specs import ScoreSpec, TrainReferenceSpec
from lobass_core.validation.report import budget_words
from lobass_core.words.clock import seconds_between
from lobass_core.words.plural import plural
from lobass_core.workflows.resumable import why_not_resumable
from lobass_core.workflows.runs import STOPPED, run_path

SHOWN_KINDS = ("score", "train_reference")
LIVE: tuple[RunState, ...] = ("running", "queued")
LOG_BYTES = 32_000
FOREIGN = "Score with the same models here, or remove the folder."


@dataclass(frozen=True, slots=True)
class RunView:
    """One run at one moment; `n_rows` are samples, `seconds` from start to end or to now, times ISO 8601 in UTC.

    `spec` is None, and `kind` empty, where spec.json is damaged; `fault` says what is wrong with a damaged file, or why
    the run is not of this project.
    """

    run_id: str
    kind: str
    state: RunState
    progress: Progress
    base: str
    reference: str
    settings: str
    n_rows: int
    seconds: float | None
    created_at: str
    spec: RunSpec | None
    path: Path
    fault: ErrorNote | None = None
    why_not_resumable: str = ""

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def scoring(self) -> ScoreSpec | None:
        """What a scoring run was asked; None of any other."""
        return self.spec if isinstance(self.spec, ScoreSpec) else None

    @property
    def training(self) -> TrainReferenceSpec | None:
        """What a training run was asked; None of any other."""
        return self.spec.reference if isinstance(self.spec, TrainReferenceRun) else None

    @property
    def refines(self) -> str:
        """The run whose losses near a cut it computes again; empty for a run of its own."""
        return self.scoring.refines if self.scoring else ""

    @property
    def is_own(self) -> bool:
        """A run of this project, and it is known what it was asked."""
        return self.spec is not None and self.state != "foreign"

    @property
    def is_stopped(self) -> bool:
        """Ended before it was done, or damaged."""
        return self.state in STOPPED

    @property
    def can_resume(self) -> bool:
        """Ended before it was done, and a resume can work."""
        return self.is_stopped and not self.why_not_resumable

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return self.progress.n_done / self.progress.n_total if self.progress.n_total else 0.0


def notes_of(project: Project, view: RunView) -> tuple[str, ...]:
    """What a finished training has to say of its reference: the epoch that was kept, and warnings."""
    if view.state != "done" or view.training is None:
        return ()
    try:
        result = RunFolder.open(run_path(project, view.run_id)).read_result(TrainReferenceResult)
    except RunError:
        return ()
    kept = (f"Epoch kept: {result.epoch_words}.",) if result.epoch_words else ()
    return (*kept, *result.warnings)


@dataclass(frozen=True, slots=True)
class SavedShard:
    """One finished file of losses: when it was saved, its samples and the mean of their nats per response token."""

    name: str
    saved_at: datetime
    n_samples: int
    mean_nats: float | None


def run_views(project: Project, kinds: Collection[str] = SHOWN_KINDS) -> list[RunView]:
    """Runs of these kinds and damaged ones, newest first; previews are not runs that a person started."""
    runs, own = reversed(scan_runs(project.runs_dir)), project_id_in(project.runs_dir)
    return [_view(run, own) for run in runs if isinstance(run, DamagedRun) or run.kind in kinds]


def run_view(project: Project, run_id: str) -> RunView:
    """One run.

    Raises:
        RunError: there is no run of that id.
    """
    path = run_path(project, run_id)
    return _view(open_any(path), project_id_in(project.runs_dir))


def _view(run: RunFolder | DamagedRun, project_id: str) -> RunView:
    if isinstance(run, DamagedRun):
        return RunView(
            run_id=run.run_id,
            kind="",
            state="damaged",
            progress=Progress(),
            base="",
            reference="",
            settings="",
            n_rows=_n_rows(run),
            seconds=None,
            created_at=run.changed_at,
            spec=None,
            path=run.path,
            fault=run.note,
            why_not_resumable=why_not_resumable(run),
        )
    progress, state = run.read_progress(), run.state()
    why_foreign = run.foreign_to(project_id)
    fault = run.fault() if state == "damaged" else None
    base, reference = model_names(run.spec)
    return RunView(
        run_id=run.run_id,
        kind=run.kind,
        state="foreign" if why_foreign else state,
        progress=progress,
        base=base,
        reference=reference,
        settings=_settings(run, progress),
        n_rows=_n_rows(run),
        seconds=_seconds(progress),
        created_at=run.created_at,
        spec=run.spec,
        path=run.path,
        fault=ErrorNote(why_foreign, str(run.path), FOREIGN) if why_foreign else fault,
        why_not_resumable=why_not_resumable(run) if state in STOPPED else "",
    )


def _settings(run: RunFolder, progress: Progress) -> str:
    """The settings that tell runs apart, in words."""
    if isinstance(run.spec, TrainReferenceRun):
        spec = run.spec.reference
        parts = [
            spec.method,
            f"{spec.epochs:g} epoch" + ("" if spec.epochs == 1 else "s"),
            f"{spec.folds} folds" if spec.folds > 1 else "",
            f"{spec.seeds} seeds" if spec.seeds > 1 else "",
            "on a target" if spec.target else "",
        ]
    elif isinstance(run.spec, ScoreSpec):
        result, render = _result(run), run.spec.render
        limit = (result and result.max_tokens) or render.max_tokens
        parts = [
            f"{limit:,} tok" if limit else "",
            (result and result.dtype) or run.spec.dtype,
            Path((result and result.template) or render.template).name,
            progress.device,
        ]
    elif isinstance(run.spec, ValidateRun):
        own = run.spec.settings
        parts = [
            plural(len({one.arm for one in run.spec.planned}), "arm"),
            ", ".join(budget_words(share) for share in own.budgets),
            own.method,
            "equal steps" if own.equal == "steps" else "",
        ]
    else:
        parts = []
    return " · ".join(part for part in parts if part and part != "auto")


def _result(run: RunFolder) -> ScoreRunResult | None:
    try:
        return run.read_result(ScoreRunResult)
    except RunError:
        return None


def _n_rows(run: RunFolder | DamagedRun) -> int:
    try:
        return int(pq.read_metadata(run.input_path).num_rows)
    except (OSError, ValueError):
        return 0


def _seconds(progress: Progress) -> float | None:
    return seconds_between(progress.started_at, progress.finished_at or progress.heartbeat_at)


def log_tail(view: RunView, n_lines: int = 12) -> list[str]:
    """The last lines that the worker printed, as a terminal shows them, without blank ones."""
    try:
        with (view.path / "log").open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - LOG_BYTES, 0))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    # A bar writes its states over each other: the last one is what is left of the line.
    return [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n") if line.strip()][-n_lines:]


def saved_shards(view: RunView, n_last: int = 9) -> tuple[int, list[SavedShard]]:
    """How many files of losses are saved, and the latest of them, oldest first."""
    paths = [path for path in (view.path / "shards").glob("*.parquet") if not path.name.startswith(".")]
    stamped = sorted((path.stat().st_mtime, path) for path in paths)
    return len(stamped), [_shard(saved, path) for saved, path in stamped[-n_last:]]


def n_saved(view: RunView) -> int:
    """How many losses a stopped scoring has on disk: those of finished shards and those known before.

    Its progress counts those of a shard that was never finished, too.
    """
    n = 0
    for path in (view.path / "known.parquet", *(view.path / "shards").glob("*.parquet")):
        # A shard that cannot be read is computed again.
        with suppress(OSError, ValueError):
            n += pq.read_metadata(path).num_rows
    return min(view.progress.n_done, n)


def _shard(saved: float, path: Path) -> SavedShard:
    mean = None
    n_samples = 0
    try:
        table = pq.read_table(path, columns=["loss_sum_nats", "n_tokens"])
        n_samples = table.num_rows
        pairs = zip(table["loss_sum_nats"].to_pylist(), table["n_tokens"].to_pylist(), strict=True)
        losses = [loss / n for loss, n in pairs if loss is not None and n]
        mean = sum(losses) / len(losses) if losses else None
    except (OSError, ValueError):
        pass  # it is being replaced by a resumed worker
    return SavedShard(path.stem, datetime.fromtimestamp(saved).astimezone(), n_samples, mean)
