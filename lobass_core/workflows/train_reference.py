"""Fine-tune a base into a named reference, and resume a training that was stopped."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import LobassError, RequestError, RunError
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_results import TrainReferenceResult
from lobass_core.jobs.run_specs import TrainedDataset, TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, TrainReferenceSpec
from lobass_core.store.datasets import Dataset, list_datasets, sample_batches
from lobass_core.workflows.recipes import RECIPE, read_recipe
from lobass_core.workflows.run_input import write_input
from lobass_core.workflows.runs import new_run
from lobass_core.workflows.score import check_datasets
from lobass_core.workflows.target_rows import target_rows

OnProgress = Callable[[Progress], None]

KIND = "train_reference"
# One path component on every system, and no option or hidden file.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class TrainedReference:
    """A reference that was trained in this project, as its recipe tells it."""

    name: str
    path: Path
    method: str
    folds: int
    base: str
    n_samples: int
    held_out_loss_before: float | None
    held_out_loss_after: float | None
    made_at: str
    recipe: dict
    seeds: int = 1
    target: str = ""


def train_reference(
    project: Project, spec: TrainReferenceSpec, on_progress: OnProgress | None = None
) -> TrainReferenceResult:
    """Train the reference and wait for it; the worker's result.

    Raises:
        LobassError: in the worker's words; what it did is kept, and the same call continues from there.
    """
    run = start(project, spec)
    try:
        follow(run, on_progress)
    except LobassError as error:
        raise type(error)(error.what, where=error.where, do=_way_on(run, error)) from error
    return run.read_result(TrainReferenceResult)


def start(project: Project, spec: TrainReferenceSpec) -> RunFolder:
    """Launch the training, or the stopped one of the same name, settings and data again; returns at once.

    Raises:
        RequestError: the name is taken or no name, a dataset or the target is not there, or there is nothing to train
            on.
        RunError: that reference is being trained already.
    """
    output = new_folder(project, spec.name)
    spec = dataclasses.replace(spec, base=_absolute(spec))
    with project.store() as store:
        datasets = list_datasets(store.cursor())
        target = target_rows(store.cursor(), datasets, spec.target) if spec.target else None
        if target is None:
            check_datasets([dataset.name for dataset in datasets], spec.datasets)
        else:
            spec = dataclasses.replace(spec, target=target.name)
        asked = TrainReferenceRun(spec, str(output), target.data if target else _data(datasets, spec.datasets))
        run = _stopped(project, asked)
        if run is None:
            batches = target.batches if target else sample_batches(store.cursor(), spec.datasets)
            run = new_run(project, store, KIND, asked, lambda new: write_input(new, batches))
    launch(run)
    return run


def new_folder(project: Project, name: str) -> Path:
    """The folder of a reference that is to be trained under this name.

    Raises:
        RequestError: the name is taken, or no reference can have it.
    """
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"{name!r} cannot be the name of a reference",
            do="Use letters, digits, dots, hyphens and underscores, starting with a letter or digit.",
        )
    folder = project.models_dir / name
    if folder.exists():
        raise RequestError(f"a reference {name!r} already exists", where=str(folder), do="Use another --name.")
    return folder


def list_references(project: Project) -> list[TrainedReference]:
    """The references that were trained here to the end, by name.

    One whose recipe is damaged is left out; whoever asks for it by name is told what is wrong.
    """
    trained = []
    for folder in sorted(path.parent for path in project.models_dir.glob(f"*/{RECIPE}")):
        try:
            recipe = read_recipe(folder)
        except LobassError:
            continue
        if recipe.spec:
            trained.append(
                TrainedReference(
                    name=folder.name,
                    path=folder,
                    method=recipe.method,
                    folds=recipe.spec.folds,
                    base=recipe.base,
                    n_samples=recipe.n_samples,
                    held_out_loss_before=recipe.held_out_loss_before,
                    held_out_loss_after=recipe.held_out_loss_after,
                    made_at=recipe.made_at,
                    recipe=recipe.values,
                    seeds=recipe.spec.seeds,
                    target=recipe.spec.target,
                )
            )
    return trained


def _way_on(run: RunFolder, error: LobassError) -> str:
    """What to do about a training that ended early; without a checkpoint there is nothing to go on from."""
    if not any((run.path / "checkpoints").glob("*/checkpoint-*")):
        return error.do
    again = "The same command resumes from the last checkpoint."
    return f"{error.do} {again}" if run.state() == "failed" else again


def _absolute(spec: TrainReferenceSpec) -> ModelSpec:
    """The base with its folder or file spelled out: the worker and a LoRA adapter must find it from anywhere."""
    folder = Path(spec.base.path).expanduser()
    return dataclasses.replace(spec.base, path=str(folder.resolve())) if folder.exists() else spec.base


def _data(datasets: list[Dataset], asked: tuple[str, ...]) -> tuple[TrainedDataset, ...]:
    """What the recipe says of the data."""
    return tuple(
        TrainedDataset(dataset.name, dataset.path, dataset.file_sha256, dataset.n_rows)
        for dataset in datasets
        if not asked or dataset.name in asked
    )


def _stopped(project: Project, asked: TrainReferenceRun) -> RunFolder | None:
    """The latest run that would train the same thing and did not finish.

    Raises:
        RunError: one of that name is already running.
    """
    for run in reversed(list_runs(project.runs_dir)):
        if not isinstance(run.spec, TrainReferenceRun) or run.spec.reference.name != asked.reference.name:
            continue
        state = run.state()
        if state == "running":
            raise RunError(
                f"reference {asked.reference.name!r} is being trained by run {run.run_id}",
                where=str(run.path),
                do=f"Wait for it, or stop it: lobass cancel {run.run_id}.",
            )
        if state != "done" and run.input_path.is_file() and run.spec == asked:
            return run
    return None
