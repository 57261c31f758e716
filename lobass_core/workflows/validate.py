"""Plan and run an experiment on whether a subset trains better than chance, and report it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lobass_core.errors import LobassError, RequestError, RunError
from lobass_core.files.atomic_file import write_whole
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_files import RunFiles, read_parquet, write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.project import Project
from lobass_core.specs import ValidateSpec
from lobass_core.validation.arm_results import ArmCache, digest_of
from lobass_core.validation.judge import Finished, Judgement, judge
from lobass_core.validation.report import markdown
from lobass_core.words.plural import plural
from lobass_core.workflows.runs import new_run, open_run
from lobass_core.workflows.score import write_input
from lobass_core.workflows.validate_plan import Planned, ValidatePlan, content_of, plan_experiment
from lobass_core.workflows.validate_rows import ExperimentRows, experiment_rows

OnProgress = Callable[[Progress], None]

KIND = "validate"
# As the worker reads them (worker/validate_job.py).
ARMS, MEASURED = "arms.parquet", "measured.parquet"


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """An experiment that is planned and not yet started."""

    own: ExperimentRows
    planned: Planned

    @property
    def plan(self) -> ValidatePlan:
        return self.planned.plan


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the finished arms of a run say, and the files of its report; `n_missing` arms are not finished."""

    run_id: str
    judged: Judgement
    n_missing: int
    markdown: str
    markdown_path: Path
    json_path: Path


def plan(project: Project, spec: ValidateSpec, run: str | None = None) -> Experiment:
    """What the experiment would train and what that costs; nothing is started.

    Raises:
        LobassError: nothing is scored, or an arm, selection, dataset or file is not there.
    """
    own = experiment_rows(project, spec, run)
    return Experiment(own, plan_experiment(project, spec, own))


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
            write_parquet(new.path / MEASURED, pa.table({"sample_id": list(ids), "set_name": list(names)}))

        with project.store() as store:
            run = new_run(project, store, KIND, asked, prepare)
    return run


def validate(project: Project, experiment: Experiment, on_progress: OnProgress | None = None) -> Outcome:
    """Run the experiment to its end and report.

    Raises:
        LobassError: in the worker's words; finished arms are kept, and the same call goes on from there.
    """
    run = start(project, experiment)
    try:
        follow(run, on_progress)
    except LobassError as error:
        again = "Finished arms are kept; the same command trains the others."
        raise type(error)(error.what, where=error.where, do=f"{error.do} {again}".strip()) from error
    return report(project, run.run_id)


def report(project: Project, run_id: str | None = None) -> Outcome:
    """What the finished arms of a run say; also of one that has not ended.

    Writes Markdown and JSON beside the arms, unless the project can only be read.

    Raises:
        RunError: no such run, or it is none of an experiment, or none has been started.
        RequestError: too few arms are finished to compare any.
    """
    run = _latest(project) if run_id is None else open_run(project, run_id)
    asked = run.spec_as(ValidateRun)
    measured = read_parquet(run.path / MEASURED)["sample_id"].to_pylist()
    finished, n_missing = _finished(asked, digest_of(measured))
    if not finished:
        raise RequestError(f"no arm of run {run.run_id} is finished", do="Wait for it, or resume it.")
    judged = judge(finished, asked.set_names)
    text = markdown(judged, f"Validation of {Path(asked.base.path).name}", _facts(asked, run, n_missing))
    folder = Path(asked.cache_dir)
    paths = [folder / f"{run.run_id}{ending}" for ending in (".md", ".json")]
    if not project.is_read_only:
        write_whole(paths[0], text)
        write_whole(
            paths[1], json.dumps({"run": run.run_id, "n_missing": n_missing, **judged.to_dict()}, indent=1) + "\n"
        )
    return Outcome(run.run_id, judged, n_missing, text, *paths)


def _finished(asked: ValidateRun, measured: str) -> tuple[list[Finished], int]:
    cache = ArmCache(Path(asked.cache_dir))
    finished = []
    for planned in asked.planned:
        content = content_of(asked, planned, measured)
        if cache.has(content):
            rows = cache.read_rows(measured)
            finished.append(
                Finished(
                    planned.arm,
                    planned.budget,
                    planned.draw,
                    planned.seed,
                    cache.read(content),
                    rows,
                    planned.is_drawn,
                )
            )
    return finished, len(asked.planned) - len(finished)


def _facts(asked: ValidateRun, run: RunFolder, n_missing: int) -> list[tuple[str, str]]:
    own = asked.settings
    equal = "the same number of steps for each arm" if own.equal == "steps" else "each arm over its own rows"
    facts = [
        ("Base", asked.base.path),
        ("Scores", f"run {asked.scoring}"),
        ("Training", f"{own.method}, {plural(int(own.epochs), 'epoch')}, {equal}, {plural(own.seeds, 'seed')}"),
        ("Run", run.run_id),
    ]
    return [*facts, ("Not finished", plural(n_missing, "arm"))] if n_missing else facts


def _arms_table(rows: dict[str, tuple[str, ...]]) -> pa.Table:
    pairs = [(name, sample_id) for name, ids in rows.items() for sample_id in ids]
    names, ids = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.table({"rows": pa.array(names, pa.string()), "sample_id": pa.array(ids, pa.string())})


def _latest(project: Project) -> RunFolder:
    for run in reversed(list_runs(project.runs_dir)):
        if run.kind == KIND:
            return run
    raise RunError("no experiment has been started", do="Start one with lobass validate.")


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
