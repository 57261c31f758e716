"""The rows of a target set that a reference is trained on: a dataset of the project, or a file that stays outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from lobass_core.errors import RequestError
from lobass_core.formats.read_files import file_sha256
from lobass_core.jobs.run_specs import TrainedDataset
from lobass_core.records import Sample
from lobass_core.specs import ImportSpec
from lobass_core.store.datasets import Dataset, sample_batches
from lobass_core.workflows.run_input import input_batch
from lobass_core.workflows.source_file import SourceFile


@dataclass(frozen=True, slots=True)
class TargetRows:
    """What a reference is trained on, and how its recipe names that; `name` is a dataset, or a file's whole path."""

    name: str
    data: tuple[TrainedDataset, ...]
    batches: Sequence[pa.RecordBatch]


def target_rows(cursor: duckdb.DuckDBPyConnection, datasets: Sequence[Dataset], target: str) -> TargetRows:
    """The dataset of that name, else the rows of that file.

    Raises:
        RequestError: there is neither, or no row of the file can be read.
        InputFileError: the file is in no known format.
    """
    for dataset in datasets:
        if dataset.name == target:
            data = TrainedDataset(dataset.name, dataset.path, dataset.file_sha256, dataset.n_rows)
            return TargetRows(target, (data,), list(sample_batches(cursor, (target,))))
    path = Path(target).expanduser()
    if not path.is_file():
        names = ", ".join(dataset.name for dataset in datasets) or "none"
        raise RequestError(
            f"the target {target!r} is neither a dataset nor a file",
            do=f"Check the path, or choose a dataset: {names}.",
        )
    return _rows_of_file(path)


def _rows_of_file(path: Path) -> TargetRows:
    samples: dict[str, Sample] = {}
    n_rows, n_rejected, reason = 0, 0, ""
    for row in SourceFile.open(ImportSpec(str(path), domain=path.stem)).rows():
        n_rows += 1
        if row.sample is None:
            n_rejected, reason = n_rejected + 1, reason or row.reason
        else:
            samples.setdefault(row.sample.sample_id, row.sample)
    if not samples:
        raise RequestError(
            f"none of the {n_rows:,} rows can be read: {reason}",
            where=str(path),
            do="Import the file as a dataset with the options that it needs, and name the dataset.",
        )
    data = TrainedDataset(path.stem, str(path.resolve()), file_sha256(path), n_rows, n_rejected)
    batch = input_batch((sample, path.stem) for sample in samples.values())
    return TargetRows(str(path.resolve()), (data,), [batch])
