"""List, cancel and look at a project's runs."""

import re
from pathlib import Path

from lobass_core.errors import RunError
from lobass_core.jobs.run_folder import DamagedRun, RunFolder, scan_runs
from lobass_core.jobs.run_specs import model_names
from lobass_core.project import Project
from lobass_core.workflows.project_status import RunStatus


def list_runs(project: Project) -> list[RunStatus]:
    """All runs, newest first; one with a damaged file says what is wrong with it."""
    return [run_status(run) for run in reversed(scan_runs(project.runs_dir))]


def open_run(project: Project, run_id: str) -> RunFolder:
    """The run folder of that id.

    Raises:
        RunError: no such run, or the text is not a run id (it could be a path), or its spec.json is damaged.
    """
    return RunFolder.open(run_path(project, run_id))


def run_path(project: Project, run_id: str) -> Path:
    """Where the run of that id lies.

    Raises:
        RunError: no such run, or the text is not a run id (it could be a path).
    """
    path = project.runs_dir / run_id
    if not re.fullmatch(r"r-\d{4,}", run_id) or not path.is_dir():
        raise RunError(f"there is no run {run_id!r}", where=str(project.runs_dir), do="lobass runs lists them.")
    return path


def cancel(project: Project, run_id: str) -> str:
    """Ask the run's worker to stop at its next shard, and return the kind of run.

    Raises:
        RunError: the run is not running, or its spec.json is damaged.
    """
    run = open_run(project, run_id)
    if run.state() not in ("running", "queued"):
        raise RunError(f"run {run_id} is {run.state()}, not running", where=str(run.path))
    run.request_cancel()
    return run.kind


def run_status(run: RunFolder | DamagedRun) -> RunStatus:
    """The run as tables show it."""
    if isinstance(run, DamagedRun):
        return RunStatus(run.run_id, "", "", "damaged", 0, 0, run.changed_at, None, run.note.what)
    progress, state = run.read_progress(), run.state()
    error = run.fault() if state == "damaged" else progress.error
    base, reference = model_names(run.spec)
    return RunStatus(
        run_id=run.run_id,
        kind=run.kind,
        name=f"{base} → {reference}" if base and reference else base or reference,
        state=state,
        n_done=progress.n_done,
        n_total=progress.n_total,
        created_at=run.created_at,
        finished_at=progress.finished_at,
        message=error.what if error else progress.message,
    )
