"""List, cancel and look at a project's runs."""

import re
from pathlib import Path

from lobass_core.errors import RunError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_folder import list_runs as run_folders
from lobass_core.project import Project
from lobass_core.workflows.project_status import RunStatus


def list_runs(project: Project) -> list[RunStatus]:
    """All runs, newest first."""
    return [run_status(run) for run in reversed(run_folders(project.runs_dir))]


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


def run_status(run: RunFolder) -> RunStatus:
    """The run as tables show it."""
    progress = run.read_progress()
    return RunStatus(
        run_id=run.run_id,
        kind=run.kind,
        name=_run_name(run.spec),
        state=run.state(),
        n_done=progress.n_done,
        n_total=progress.n_total,
        created_at=run.created_at,
        finished_at=progress.finished_at,
        message=progress.error.what if progress.error else progress.message,
    )


def _run_name(spec: dict) -> str:
    base = Path(str((spec.get("base") or {}).get("path", ""))).name
    reference = spec.get("reference_name") or spec.get("name", "")
    return f"{base} → {reference}" if base and reference else base or reference
