"""Create, list, cancel and open a project's runs."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import RunError
from lobass_core.jobs.progress import RunState
from lobass_core.jobs.run_files import RunFiles
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_ids import number_of, project_id_in
from lobass_core.jobs.run_list import DamagedRun, scan_runs
from lobass_core.jobs.run_specs import RunSpec, model_names
from lobass_core.project import Project
from lobass_core.store.collected import highest_run_number, project_id_of
from lobass_core.store.connection import Store
from lobass_core.workflows.project_status import RunStatus
from lobass_core.workflows.resumable import why_not_resumable

# Ended before it was done, or damaged.
STOPPED: tuple[RunState, ...] = ("failed", "interrupted", "cancelled", "damaged")


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The kind of the run that was asked to stop, and whether it was removed because it had never begun."""

    kind: str
    was_removed: bool


def list_runs(project: Project) -> list[RunStatus]:
    """All runs, newest first; one with a damaged file says what is wrong with it."""
    own = project_id_in(project.runs_dir)
    return [run_status(run, own) for run in reversed(scan_runs(project.runs_dir))]


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
    if not number_of(run_id) or not path.is_dir():
        raise RunError(f"there is no run {run_id!r}", where=str(project.runs_dir), do="List the runs with lobass runs.")
    return path


def new_run(
    project: Project, store: Store, kind: str, spec: RunSpec, prepare: Callable[[RunFiles], object] = lambda _: None
) -> RunFolder:
    """Make the project's next run; `prepare` writes what its worker reads.

    Raises:
        ReadOnlyError: the project can only be read.
    """
    store.require_writable()
    cursor = store.cursor()
    return RunFolder.create(
        project.runs_dir,
        kind,
        spec,
        prepare,
        project_id=project_id_of(cursor),
        after=highest_run_number(cursor),
    )


def cancel(project: Project, run_id: str) -> Cancelled:
    """Ask the run's worker to stop at its next shard; a run that no worker ever began is removed.

    Raises:
        RunError: the run has ended, or its spec.json is damaged.
        ReadOnlyError: the project can only be read.
    """
    run = open_run(project, run_id)
    project.require_writable()
    if run.is_live():
        run.request_cancel()
        return Cancelled(run.kind, False)
    if not run.was_launched:
        run.remove()
        return Cancelled(run.kind, True)
    raise RunError(f"run {run_id} is {run.state()}, not running", where=str(run.path))


def resume_command(project: Project, run_id: str, command: str = "score") -> str:
    """The command that resumes a run of that command: a scoring, an experiment, or a self-test."""
    return f"lobass {command} --project {shlex.quote(str(project.root))} --resume {run_id}"


def run_status(run: RunFolder | DamagedRun, project_id: str = "") -> RunStatus:
    """The run as tables show it; one that is not of this project is `foreign`."""
    if isinstance(run, DamagedRun):
        return RunStatus(run.run_id, "", "", "damaged", 0, 0, run.changed_at, None, run.note.what)
    progress, state = run.read_progress(), run.state()
    error = run.fault() if state == "damaged" else progress.error
    why_foreign = run.foreign_to(project_id)
    base, reference = model_names(run.spec)
    return RunStatus(
        run_id=run.run_id,
        kind=run.kind,
        name=f"{base} → {reference}" if base and reference else base or reference,
        state="foreign" if why_foreign else state,
        n_done=progress.n_done,
        n_total=progress.n_total,
        created_at=run.created_at,
        finished_at=progress.finished_at,
        message=why_foreign or (error.what if error else progress.message),
        can_resume=not why_foreign and state in STOPPED and not why_not_resumable(run),
        started_at=progress.started_at,
    )
