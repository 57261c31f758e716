"""Plan an experiment on whether a subset trains better than chance, start it, and go on with one that stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lobass_core.errors import LobassError, RunError
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_files import RunFiles, write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.project import Project
from lobass_core.specs import ValidateSpec
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.resumable import check_resumable
from lobass_core.workflows.run_input import write_input
from lobass_core.workflows.run_views import RunView, run_views
from lobass_core.workflows.runs import new_run, open_run, resume_command
from lobass_core.workflows.validate_plan import Planned, ValidatePlan, plan_experiment
from lobass_core.workflows.validate_report import ARMS, KIND, MEASURED, Outcome, is_complete, report
from lobass_core.workflows.validate_rows import ExperimentRows, experiment_rows, rows_key

OnProgress = Callable[[Progress], None]
_plans: Recent["Experiment"] = Recent(2)


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """An experiment that is planned and not yet started."""

    own: ExperimentRows
    planned: Planned

    @property
    def plan(self) -> ValidatePlan:
        return self.planned.plan


def plan(project: Project, spec: ValidateSpec, run: str | None = None) -> Experiment:
    """What the experiment would train and what that costs; nothing is started.

    Raises:
        LobassError: nothing is scored, or an arm, selection, dataset or file is not there.
    """
    own = experiment_rows(project, spec, run)
    return Experiment(own, plan_experiment(project, spec, own))


def recent_plan(project: Project, spec: ValidateSpec, run: str | None = None) -> Experiment:
    """The same for a page that is drawn often: planned again where rows, files, arms or runs have changed.

    Raises:
        LobassError: as `plan`.
    """
    key = (rows_key(project, spec, run), spec, _changed(project.validation_dir / "arms"), _changed(project.runs_dir))
    return _plans.get(key, lambda: plan(project, spec, run))


def start(project: Project, experiment: Experiment) -> RunFolder:
    """Launch the experiment, or the stopped run of the same one again; returns at once.

    Raises:
        RunError: the same experiment is already running.
    """
    run = prepare_run(project, experiment)
    launch(run)
    return run


def prepare_run(project: Project, experiment: Experiment) -> RunFolder:
    """The run folder of the experiment, with all that its worker reads.

    Raises:
        RunError: the same experiment is already running.
    """
    asked, own = experiment.planned.run, experiment.own
    run = _stopped(project, asked)
    if run is None:

        def prepare(new: RunFiles) -> None:
            write_input(new, iter(own.samples))
            write_parquet(new.path / ARMS, _arms_table(experiment.planned.rows))
            ids, names = zip(*own.sets, strict=True)
            answers = pa.array([own.answers.get(sample_id) for sample_id in ids], pa.string())
            groups = [own.groups[sample_id] for sample_id in ids]
            measured = {"sample_id": ids, "set_name": names, "answer": answers, "near_duplicates": groups}
            write_parquet(new.path / MEASURED, pa.table(measured))

        with project.store() as store:
            run = new_run(project, store, KIND, asked, prepare)
    return run


def resume(project: Project, run_id: str) -> RunFolder:
    """Launch a stopped experiment again; finished arms are not trained again. Returns at once.

    Raises:
        RunError: no such run, not an experiment, already running, done and whole, or it cannot be resumed.
        ReadOnlyError: the project can only be read.
    """
    run = open_run(project, run_id)
    project.require_writable()
    run.spec_as(ValidateRun)
    check_resumable(
        run,
        is_done=run.state() == "done" and is_complete(project, run),
        if_done=f"Report it: lobass validate --report {run_id}.",
        instead="Start the experiment again: finished arms are kept.",
    )
    launch(run)
    return run


def validate(project: Project, experiment: Experiment, on_progress: OnProgress | None = None) -> Outcome:
    """Run the experiment to its end and report.

    Raises:
        LobassError: in the worker's words; finished arms are kept, and the same call goes on from there.
    """
    return follow_and_report(project, start(project, experiment), on_progress)


def follow_and_report(project: Project, run: RunFolder, on_progress: OnProgress | None = None) -> Outcome:
    """Follow a run to its end and report.

    Raises:
        LobassError: in the worker's words; finished arms are kept.
    """
    try:
        follow(run, on_progress)
    except LobassError as error:
        again = f"To train the arms that are left: {resume_command(project, run.run_id, 'validate')}"
        raise type(error)(error.what, where=error.where, do=f"{error.do} {again}".strip()) from error
    return report(project, run.run_id)


def list_experiments(project: Project) -> list[RunView]:
    """The project's experiments, newest first."""
    return [view for view in run_views(project, (KIND,)) if view.kind == KIND]


def _arms_table(rows: dict[str, tuple[str, ...]]) -> pa.Table:
    pairs = [(name, sample_id) for name, ids in rows.items() for sample_id in ids]
    names, ids = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.table({"rows": pa.array(names, pa.string()), "sample_id": pa.array(ids, pa.string())})


def _changed(folder: Path) -> int:
    return folder.stat().st_mtime_ns if folder.is_dir() else 0


def _stopped(project: Project, asked: ValidateRun) -> RunFolder | None:
    """The latest run of the same experiment that did not finish.

    Raises:
        RunError: it is already running.
    """
    for run in reversed(list_runs(project.runs_dir)):
        if run.spec != asked:
            continue
        if run.is_live():
            raise RunError(
                f"run {run.run_id} is already running this experiment",
                where=str(run.path),
                do=f"Wait for it, or stop it: lobass cancel {run.run_id}.",
            )
        if run.state() != "done" and run.input_path.is_file():
            return run
    return None
