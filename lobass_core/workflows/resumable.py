"""Whether a stopped run can be resumed, judged by its files and the paths that it reads."""

from pathlib import Path

from lobass_core.errors import RunError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_kinds import KINDS
from lobass_core.jobs.run_list import DamagedRun
from lobass_core.jobs.run_specs import PlantedRun, RunSpec, TrainReferenceRun, ValidateRun
from lobass_core.specs import ModelSpec, ScoreSpec
from lobass_core.workflows.recipes import lacks_weights


def why_not_resumable(run: RunFolder | DamagedRun) -> str:
    """Why a resume of the run would fail, as a sentence; empty where it can work."""
    if isinstance(run, DamagedRun):
        return f"the settings of run {run.run_id} are lost"
    error = run.read_progress().error
    if error and error.is_final:
        return error.what
    if KINDS[run.kind].reads_input and not run.input_path.is_file():
        return f"run {run.run_id} has no input"
    missing = next((path for path in _paths(run.spec) if is_gone(path)), "")
    if missing:
        return f"{missing} no longer exists"
    if isinstance(run.spec, TrainReferenceRun) and Path(run.spec.output_dir).exists():
        return f"a reference {run.spec.reference.name!r} already exists"
    return ""


def check_resumable(run: RunFolder, *, is_done: bool, if_done: str, instead: str) -> None:
    """Raises RunError unless the run has stopped before its end and can go on; the texts say what to do otherwise."""
    where = str(run.path)
    if run.state() in ("running", "queued") and run.is_live():
        raise RunError(f"run {run.run_id} is already running", where=where, do="See its progress with lobass runs.")
    if is_done:
        raise RunError(f"run {run.run_id} is done", where=where, do=if_done)
    if why := why_not_resumable(run):
        raise RunError(f"run {run.run_id} cannot be resumed: {why}", where=where, do=instead)


def _paths(spec: RunSpec) -> list[str]:
    """What the run reads from outside of its folder; some of it may be ids of the hub or names of templates."""
    match spec:
        case ScoreSpec():
            models = (path for model in spec.models for path in _of(model))
            return [*models, *spec.fold_assignments, spec.render.template]
        case TrainReferenceRun():
            return [*_of(spec.reference.base), spec.reference.render.template, spec.reference.target]
        case PlantedRun():
            return _paths(spec.scored)
        case ValidateRun():
            return [*_of(spec.base), spec.render.template]
        case _:
            return []


def _of(model: ModelSpec) -> tuple[str, str]:
    return model.path, model.adapter


def is_gone(text: str) -> bool:
    """Whether a text is a path in full that leads nowhere, or to a recipe whose weights stayed elsewhere.

    Ids of the hub and names of templates are none.
    """
    path = Path(text).expanduser()
    return path.is_absolute() and (not path.exists() or lacks_weights(path))
