"""Runs as a person watches them: what, how far, how fast, what stopped it; and bringing finished ones home."""

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

from lobass_core.errors import LobassError
from lobass_core.jobs.progress import Progress, RunState
from lobass_core.jobs.run_folder import RunFolder, list_runs
from lobass_core.project import Project
from lobass_core.workflows.runs import open_run
from lobass_core.workflows.score import bring_home

SHOWN_KINDS = ("score", "train_reference")
LIVE: tuple[RunState, ...] = ("running", "queued")
STOPPED: tuple[RunState, ...] = ("failed", "interrupted", "cancelled")
LOG_BYTES = 32_000

_home: set[tuple[Path, float]] = set()
_collecting = threading.Lock()


@dataclass(frozen=True, slots=True)
class RunView:
    """One run at one moment; `n_rows` are samples, `seconds` from start to end or to now, times ISO 8601 in UTC."""

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
    spec: dict
    path: Path

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def refines(self) -> str:
        """The run whose losses near a cut it computes again; empty for a run of its own."""
        return str(self.spec.get("refines", ""))

    @property
    def is_stopped(self) -> bool:
        """Ended before it was done, and can be resumed."""
        return self.state in STOPPED

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return self.progress.n_done / self.progress.n_total if self.progress.n_total else 0.0


@dataclass(frozen=True, slots=True)
class SavedShard:
    """One finished file of losses: when it was saved, its rows and their mean nats a response token."""

    name: str
    saved_at: datetime
    n_rows: int
    mean_nats: float | None


def run_views(project: Project) -> list[RunView]:
    """Scorings and trainings, newest first; previews are not runs that a person started."""
    return [_view(run) for run in reversed(list_runs(project.runs_dir)) if run.kind in SHOWN_KINDS]


def run_view(project: Project, run_id: str) -> RunView:
    """One run.

    Raises:
        RunError: there is no run of that id.
    """
    return _view(open_run(project, run_id))


def _view(run: RunFolder) -> RunView:
    progress, state = run.read_progress(), run.state()
    spec = run.spec
    return RunView(
        run_id=run.run_id,
        kind=run.kind,
        state=state,
        progress=progress,
        base=Path(str((spec.get("base") or {}).get("path", ""))).name,
        reference=str(spec.get("reference_name") or spec.get("name") or _first_reference(spec)),
        settings=_settings(run, progress),
        n_rows=_n_rows(run),
        seconds=_seconds(progress),
        created_at=run.created_at,
        spec=spec,
        path=run.path,
    )


def _first_reference(spec: dict) -> str:
    references = spec.get("references") or [{}]
    return Path(str(references[0].get("adapter") or references[0].get("path") or "")).name


def _settings(run: RunFolder, progress: Progress) -> str:
    """The settings that tell runs apart, in words."""
    spec, render = run.spec, run.spec.get("render") or {}
    result = run.read_result() if run.result_path.is_file() else {}
    limit = result.get("max_tokens") or render.get("max_tokens")
    parts = [
        f"{limit:,} tok" if limit else "",
        result.get("dtype") or spec.get("dtype", ""),
        Path(str(result.get("template") or render.get("template") or "")).name,
        progress.device,
    ]
    if run.kind == "train_reference":
        folds = int(spec.get("folds", 1))
        parts = [
            str(spec.get("method", "")),
            f"{spec.get('epochs', 1):g} epoch" + ("" if spec.get("epochs", 1) == 1 else "s"),
            f"{folds} folds" if folds > 1 else "",
        ]
    return " · ".join(part for part in parts if part and part != "auto")


def _n_rows(run: RunFolder) -> int:
    try:
        return int(pq.read_metadata(run.input_path).num_rows)
    except (OSError, ValueError):
        return 0


def _seconds(progress: Progress) -> float | None:
    end = progress.finished_at or progress.heartbeat_at
    if not (progress.started_at and end):
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(progress.started_at)).total_seconds()


def log_tail(view: RunView, n_lines: int = 12) -> list[str]:
    """The last lines that the worker printed; empty where it said nothing."""
    try:
        with (view.path / "log").open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - LOG_BYTES, 0))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return text.splitlines()[-n_lines:]


def saved_shards(view: RunView, n_last: int = 9) -> tuple[int, list[SavedShard]]:
    """How many files of losses are saved, and the latest of them, oldest first."""
    paths = [path for path in (view.path / "shards").glob("*.parquet") if not path.name.startswith(".")]
    stamped = sorted((path.stat().st_mtime, path) for path in paths)
    return len(stamped), [_shard(saved, path) for saved, path in stamped[-n_last:]]


def _shard(saved: float, path: Path) -> SavedShard:
    mean = None
    n_rows = 0
    try:
        table = pq.read_table(path, columns=["loss_sum_nats", "n_tokens"])
        n_rows = table.num_rows
        pairs = zip(table["loss_sum_nats"].to_pylist(), table["n_tokens"].to_pylist(), strict=True)
        scored = [(loss, n) for loss, n in pairs if loss is not None and n]
        n_tokens = sum(n for _, n in scored)
        mean = sum(loss for loss, _ in scored) / n_tokens if n_tokens else None
    except (OSError, ValueError):
        pass  # it is being replaced by a resumed worker
    return SavedShard(path.stem, datetime.fromtimestamp(saved).astimezone(), n_rows, mean)


def collect_finished(project: Project) -> int:
    """Bring home the losses of scoring runs that ended while nobody watched; returns the number of new losses.

    Each ended run is looked at once a process, unless a resume has ended it anew.

    Raises:
        StoreError: the store is in use elsewhere; the next call tries again.
    """
    n_new = 0
    with _collecting:
        for run in list_runs(project.runs_dir):
            if run.kind != "score" or run.state() in LIVE:
                continue
            key = (run.path, _ended_at(run))
            if key in _home:
                continue
            n_new += bring_home(project, run)
            _home.add(key)
    return n_new


def _ended_at(run: RunFolder) -> float:
    """Changes when a resumed run ends again."""
    try:
        return (run.path / "progress.json").stat().st_mtime
    except OSError:
        return 0.0


def try_collect(project: Project) -> int:
    """`collect_finished`, but a store in use, or a run that does not fit, is left for the next time."""
    try:
        return collect_finished(project)
    except LobassError:
        return 0
