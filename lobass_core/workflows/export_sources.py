"""The imported files as the sources of an export: their names, and which rows came from each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lobass_core.exporting.plan import SourceFile
from lobass_core.store.dataset_files import DatasetFile
from lobass_core.store.datasets import Dataset


@dataclass(frozen=True, slots=True)
class SourceNumbers:
    """Which source a row belongs to: sources are files, in the order of their datasets and of the files in each."""

    by_dataset: dict[int, tuple[np.ndarray, np.ndarray]]  # first rows, and source numbers, of files that hold rows

    @classmethod
    def of(cls, parts: Sequence[tuple[Dataset, DatasetFile]]) -> "SourceNumbers":
        """The numbers of those files, which are the sources in their order."""
        held: dict[int, list[tuple[int, int]]] = {}
        for number, (dataset, file) in enumerate(parts):
            if file.n_rows + file.n_rejected:
                held.setdefault(dataset.dataset_id, []).append((file.first_row, number))
        pairs = {dataset_id: np.array(files).T for dataset_id, files in held.items()}
        return cls({dataset_id: (first_rows, numbers) for dataset_id, (first_rows, numbers) in pairs.items()})

    def of_rows(self, placed: pa.Table) -> pa.Array:
        """The source of each row of a table with `dataset_id` and `row_index`."""
        dataset_ids, row_indices = placed["dataset_id"].to_numpy(), placed["row_index"].to_numpy()
        sources = np.zeros(len(dataset_ids), np.int32)
        for dataset_id, (first_rows, numbers) in self.by_dataset.items():
            own = dataset_ids == dataset_id
            sources[own] = numbers[np.searchsorted(first_rows, row_indices[own], side="right") - 1]
        return pa.array(sources, pa.int32())


def source_of(dataset: Dataset, file: DatasetFile) -> SourceFile:
    """One file of a dataset as an export names it."""
    return SourceFile(
        dataset=dataset.name,
        file_name=file.name,
        sha256=file.file_sha256,
        n_rows=file.n_rows,
        n_rejected=file.n_rejected,
        format=dataset.format,
        mapping=json.loads(dataset.mapping),
        container=file.container,
        encoding=file.encoding,
        first_row=file.first_row,
        format_asked=dataset.format_asked,
    )
