"""Score samples under a base and a reference: prepare the run, follow it, add its losses to the store."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from lobass_core.errors import LobassError, RequestError, RunError, StoreError
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_files import RunFiles
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import PreflightResult, ScoreRunResult
from lobass_core.project import Project
from lobass_core.specs import ScoreSpec
from lobass_core.store.datasets import list_datasets, sample_batches
from lobass_core.store.losses import Ingested, ingest_run, n_losses_of, write_known
from lobass_core.words.clock import seconds_between
from lobass_core.words.run_words import a_run
from lobass_core.workflows.collect import collect, damage_in
from lobass_core.workflows.doubts import doubts_of
from lobass_core.workflows.reference_training import write_trained_on
from lobass_core.workflows.registering import register_finished
from lobass_core.workflows.resumable import why_not_resumable
from lobass_core.workflows.run_input import write_input
from lobass_core.workflows.runs import new_run, open_run, resume_command
from lobass_core.workflows.scored import score_table

OnProgress = Callable[[Progress], None]

ADDED_LATER = "The results are kept in the run folder; the next command or page that opens the project adds them."


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """What a scoring run did; `n_computed`, `n_known` and `n_carried` count losses of all models, the rest samples.

    `n_worse_than_chance` and `n_unseen` count the rows of the scoring that the flags of these names are on.
    """

    run_id: str
    base_name: str
    reference_name: str
    n_samples: int
    n_computed: int
    n_known: int
    n_carried: int
    n_truncated: int
    n_ingested: int
    template: str
    max_tokens: int
    seconds: float | None
    n_worse_than_chance: int = 0
    n_unseen: int = 0
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        return asdict(self)


def start(project: Project, spec: ScoreSpec) -> RunFolder:
    """Write a scoring run's input and launch its worker; returns at once.

    Raises:
        RequestError: a dataset is not there, or there is nothing to score.
    """
    run = prepare_run(project, "score", spec)
    launch(run)
    return run


def prepare_run(project: Project, kind: str, spec: ScoreSpec) -> RunFolder:
    """Make the run folder with the samples in scope and the losses on record, those of ended runs among them."""
    collect(project)
    with project.store() as store:
        check_datasets([dataset.name for dataset in list_datasets(store.cursor())], spec.datasets)

        def prepare(new: RunFiles) -> None:
            write_trained_on(project, new, spec.references)
            write_input(new, sample_batches(store.cursor(), spec.datasets))
            write_known(store.cursor(), new.known_path)

        return new_run(project, store, kind, spec, prepare)


def check_datasets(there: list[str], asked: tuple[str, ...]) -> None:
    """Raises RequestError where nothing is imported or a dataset that was asked for is not among those there."""
    if not there:
        raise RequestError("nothing is imported yet", do="Run lobass import FILE --domain NAME first.")
    unknown = [name for name in asked if name not in there]
    if unknown:
        raise RequestError(f"there is no dataset {', '.join(unknown)}", do=f"The datasets are {', '.join(there)}.")


def resume(project: Project, run_id: str) -> RunFolder:
    """Launch a stopped scoring run again; its finished shards are not computed again, unless they are damaged.

    Raises:
        RunError: no such run, not a scoring run, still going, or done and whole.
        ReadOnlyError: the project can only be read.
    """
    run = open_run(project, run_id)
    project.require_writable()
    if run.kind != "score":
        raise RunError(
            f"run {run_id} is {a_run(run.kind)}, not a scoring",
            where=str(run.path),
            do="Run the same train-reference command again."
            if run.kind == "train_reference"
            else "List the scoring runs with lobass runs.",
        )
    state = run.state()
    if state == "running":
        raise RunError(f"run {run_id} is already running", where=str(run.path), do="See its progress with lobass runs.")
    if state == "done":
        collect(project)
        run.set_damaged_aside()
    if state == "done" and not run.missing_shards():
        raise RunError(
            f"run {run_id} is done, and its losses are in the project",
            where=str(run.path),
            do="To score rows imported since then, score again; known losses are not computed again.",
        )
    launch(run)
    return run


def score(project: Project, spec: ScoreSpec, on_progress: OnProgress | None = None) -> ScoreResult:
    """Score and add the losses to the store. What a failed or cancelled run computed is kept too.

    Raises:
        LobassError: in the worker's words.
    """
    return follow_and_ingest(project, start(project, spec), on_progress)


def resume_and_finish(project: Project, run_id: str, on_progress: OnProgress | None = None) -> ScoreResult:
    """`resume`, then as `score`."""
    return follow_and_ingest(project, resume(project, run_id), on_progress)


def follow_and_ingest(project: Project, run: RunFolder, on_progress: OnProgress | None) -> ScoreResult:
    """Follow a run to its end and add its losses to the store.

    Raises:
        LobassError: in the worker's words; what was computed is kept.
    """
    try:
        follow(run, on_progress)
    except LobassError as error:
        said = [error.do]
        # A run with a result has computed all that there was to compute.
        if not run.result_path.is_file() and not why_not_resumable(run):
            said.append(f"Resume with: {resume_command(project, run.run_id)}")
        try:
            ingest_finished(project, run)
        except LobassError:
            said.append(ADDED_LATER)
        raise type(error)(error.what, where=error.where, do=" ".join(part for part in said if part)) from error
    return finish(project, run)


def ingest_finished(project: Project, run: RunFolder) -> Ingested:
    """Ingest the run's finished shards, and name its scoring once the worker has said what it scored. Idempotent.

    Raises:
        StoreError: the disk is full, or the store cannot be written; the next who opens the project adds them.
    """
    try:
        with project.store() as store:
            ingested = ingest_run(store, run)
            register_finished(store, run)
    except StoreError as error:
        first = "Free some space." if "disk is full" in error.what else error.do
        raise type(error)(error.what, where=error.where, do=f"{first} {ADDED_LATER}") from error
    return ingested


def finish(project: Project, run: RunFolder) -> ScoreResult:
    """Add a finished run's losses to the store and sum it up.

    Raises:
        RunError: the run has not finished.
    """
    result, progress = run.read_result(ScoreRunResult), run.read_progress()
    spec, ingested = run.spec_as(ScoreSpec), ingest_finished(project, run)
    with project.store() as store:
        n_ingested = n_losses_of(store.cursor(), run.run_id)
    doubts = doubts_of(score_table(project, spec.refines or run.run_id))
    return ScoreResult(
        run_id=run.run_id,
        base_name=result.base.name,
        reference_name=spec.reference_name or result.references[0].name,
        n_samples=result.n_samples,
        n_computed=result.n_computed,
        n_known=result.n_known,
        n_carried=result.n_carried,
        n_truncated=result.n_truncated,
        n_ingested=n_ingested,
        template=result.template,
        max_tokens=result.max_tokens,
        seconds=seconds_between(progress.started_at, progress.finished_at),
        n_worse_than_chance=doubts.n_worse_than_chance,
        n_unseen=doubts.n_unseen,
        warnings=(*damage_in(run, ingested), *result.warnings, *doubts.sentences()),
    )


def preflight(project: Project, spec: ScoreSpec, on_progress: OnProgress | None = None) -> PreflightResult:
    """What a scoring would read, skip and cut, by a short run that scores nothing; the worker's result as it is."""
    run = prepare_run(project, "preflight", spec)
    launch(run)
    follow(run, on_progress)
    return run.read_result(PreflightResult)
