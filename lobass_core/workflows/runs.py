"""List, cancel and look at a project's runs."""

import re
from dataclasses import asdict, dataclass

from lobass_core.errors import RunError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_folder import list_runs as run_folders
from lobass_core.project import Project


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run as the tables show it; times are ISO 8601 in UTC."""

    run_id: str
    kind: str
    models: str
    state: str
    n_done: int
    n_total: int
    created_at: str

    def to_dict(self) -> dict:
        return asdict(self)


def list_runs(project: Project) -> list[RunSummary]:
    """All runs, newest first."""
    return [_summary(run) for run in reversed(run_folders(project.runs_dir))]


def open_run(project: Project, run_id: str) -> RunFolder:
    """The run folder of that id.

    Raises:
        RunError: no such run, or the text is not a run id (it could be a path).
    """
    path = project.runs_dir / run_id
    if not re.fullmatch(r"r-\d{4,}", run_id) or not path.is_dir():
        raise RunError(f"there is no run {run_id!r}", where=str(project.runs_dir), do="lobass runs lists them.")
    return RunFolder.open(path)


def cancel(project: Project, run_id: str) -> None:
    """Ask the run's worker to stop at its next shard.

    Raises:
        RunError: the run is not running.
    """
    run = open_run(project, run_id)
    if run.state() not in ("running", "queued"):
        raise RunError(f"run {run_id} is {run.state()}, not running", where=str(run.path))
    run.request_cancel()


def _summary(run: RunFolder) -> RunSummary:
    progress = run.read_progress()
    return RunSummary(
        run_id=run.run_id,
        kind=run.kind,
        models=_models(run.spec),
        state=run.state(),
        n_done=progress.n_done,
        n_total=progress.n_total,
        created_at=run.created_at,
    )


def _models(spec: dict) -> str:
    base = spec.get("base", {}).get("path", "")
    reference = spec.get("reference_name") or spec.get("name", "")
    return f"{base} → {reference}" if base and reference else base or reference
