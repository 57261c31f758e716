"""The preview before scoring, in the background: start it, ask for its result, discard it."""

from contextlib import suppress

from lobass_core.errors import LobassError, RunError
from lobass_core.jobs.launch import launch
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_results import PreflightResult
from lobass_core.project import Project
from lobass_core.specs import ScoreSpec
from lobass_core.words.clock import age_of
from lobass_core.workflows.runs import open_run
from lobass_core.workflows.score import prepare_run

# A preflight that ended this long ago has no one left who would read its result.
FORGOTTEN_SECONDS = 60.0


def start(project: Project, spec: ScoreSpec) -> str:
    """Launch a preflight, and return its run id.

    Raises:
        RequestError: a dataset is not there, or there is nothing to score.
    """
    _sweep(project)
    run = prepare_run(project, "preflight", spec)
    launch(run)
    return run.run_id


def poll(project: Project, run_id: str) -> PreflightResult | Progress:
    """The worker's result once it is there, else how far it is. The run's folder is removed with its result.

    Raises:
        RunError: the preflight was cancelled or died.
        LobassError: in the worker's words, why scoring would fail too.
    """
    run = open_run(project, run_id)
    state = run.state()
    if state in ("running", "queued"):
        return run.read_progress()
    progress = run.read_progress()
    try:
        if state == "done":
            return run.read_result(PreflightResult)
        if progress.error:
            raise LobassError(progress.error.what, where=progress.error.where, do=progress.error.do)
        raise RunError("the check of the models was stopped", do="Start it again, or change a setting.")
    finally:
        _remove(run)


def discard(project: Project, run_id: str) -> None:
    """Stop a preflight that nobody waits for any more; what is left of it goes when it has stopped."""
    try:
        run = open_run(project, run_id)
    except LobassError:
        return
    if run.state() in ("running", "queued"):
        run.request_cancel()
    else:
        _remove(run)


def _sweep(project: Project) -> None:
    """Remove what stopped preflights have left behind."""
    for run in list_runs(project.runs_dir):
        with suppress(OSError):
            is_old = age_of(run.progress_path) > FORGOTTEN_SECONDS
            if run.kind == "preflight" and is_old and run.state() not in ("running", "queued"):
                _remove(run)


def _remove(run: RunFolder) -> None:
    """A preflight's input is a copy of all samples: it must not pile up."""
    if run.kind == "preflight":
        run.remove()
