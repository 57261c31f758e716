"""Which samples a reference was trained on, as far as its folder and its run tell."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lobass_core.errors import RunError
from lobass_core.jobs.run_files import TRAINED_ON, RunFiles, read_parquet, write_parquet
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ModelSpec
from lobass_core.store.reference_training import with_present_ids


def write_trained_on(project: Project, run: RunFiles, references: tuple[ModelSpec, ...]) -> None:
    """Put the ids that the run's reference was trained on into its folder; nothing where they are not known.

    Nothing for K folds either: each sample is scored by a model that was not trained on it.
    """
    if len(references) != 1:
        return
    sample_ids = trained_on(project, Path(references[0].adapter or references[0].path))
    if sample_ids is not None:
        with project.store() as store:
            sample_ids = with_present_ids(store.cursor(), sample_ids)
        write_parquet(run.trained_on_path, pa.table({"sample_id": sample_ids}))


def trained_on(project: Project, folder: Path) -> pa.ChunkedArray | None:
    """Ids of the samples that the model in this folder was trained on; None where that is not known.

    One model of K folds counts as what it is: trained on all samples but those of its fold.

    Raises:
        RunError: a table that says it is damaged.
    """
    recorded = _column(folder / TRAINED_ON, "sample_id")
    if recorded is not None:
        return recorded
    if folder.name.startswith("fold-"):
        return _outside_of_fold(folder)
    return _given_and_not_held_out(project, folder)


def _outside_of_fold(folder: Path) -> pa.ChunkedArray | None:
    number = folder.name.removeprefix("fold-")
    path = folder.parent / "folds.parquet"
    sample_ids, folds = _column(path, "sample_id"), _column(path, "fold")
    if sample_ids is None or folds is None or not number.isdecimal():
        return None
    return sample_ids.filter(pc.not_equal(folds, int(number)))


def _given_and_not_held_out(project: Project, folder: Path) -> pa.ChunkedArray | None:
    """For references that were trained before their folders said it: the input of their run without those held out."""
    held_out = _column(folder / "held_out.parquet", "sample_id")
    if held_out is None:
        return None
    for run in list_runs(project.runs_dir):
        spec = run.spec
        made_it = isinstance(spec, TrainReferenceRun) and Path(spec.output_dir).resolve() == folder.resolve()
        if made_it and run.result_path.is_file():
            given = _column(run.input_path, "sample_id")
            return None if given is None else given.filter(pc.invert(pc.is_in(given, held_out.combine_chunks())))
    return None


def _column(path: Path, name: str) -> pa.ChunkedArray | None:
    """A column of a table, None where there is no such file.

    Raises:
        RunError: the file is damaged.
    """
    if not path.exists():
        return None
    try:
        return read_parquet(path, [name])[name]
    except RunError as error:
        do = (
            "Restore the file from a backup, or remove it. Without it, rows that the reference was not trained on "
            "are not marked."
        )
        raise RunError(error.what, where=error.where, do=do) from error
