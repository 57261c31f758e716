"""The original records of an export's rows, from any file of the project with the same bytes."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from lobass_core.errors import ExportError
from lobass_core.exporting.plan import ReadTexts, SourceFile
from lobass_core.project import Project
from lobass_core.store.chosen_records import texts_of
from lobass_core.store.dataset_files import list_files
from lobass_core.store.datasets import list_datasets
from lobass_core.store.former_states import former_files, former_texts

READ_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file's rows stand: in a dataset as it is, or (update_id > 0) as it was before that update."""

    dataset_id: int
    first_row: int
    update_id: int = 0


def texts_reader(project: Project, sources: tuple[SourceFile, ...]) -> ReadTexts:
    """Reads records by (source, row index), wherever the project holds a file of that sha256 or held it once.

    Raises:
        ExportError: a source is not in the project; names every one that is missing.
    """
    places = _places(project, sources)
    # A file may stand elsewhere in the datasets of this project than in those that the manifest was written from.
    shifts = [place.first_row - source.first_row for place, source in zip(places, sources, strict=True)]

    def read(wanted: pa.Table) -> Iterator[str]:
        for batch in wanted.select(["source", "row_index"]).combine_chunks().to_batches(max_chunksize=READ_ROWS):
            numbers, row_indices = (column.to_pylist() for column in batch.columns)
            rows = [row_index + shifts[number] for number, row_index in zip(numbers, row_indices, strict=True)]
            texts = _texts(project, [places[number] for number in numbers], rows)
            for number, row_index, text in zip(numbers, row_indices, texts, strict=True):
                if text is None:
                    raise ExportError(
                        "a selected record is no longer in the project",
                        where=f"{sources[number].dataset}, row {row_index:,}",
                        do="Import the file again with the settings in the manifest.",
                    )
                yield text

    return read


def _texts(project: Project, places: list[_Place], rows: list[int]) -> list[str | None]:
    """The records of some rows, under one lease: a long export does not keep others out of the store."""
    with project.store() as store:
        texts = texts_of(store.cursor(), [place.dataset_id for place in places], rows)
        for place in {place for place in places if place.update_id}:
            at = [number for number, one in enumerate(places) if one == place]
            former = former_texts(store.cursor(), place.update_id, [rows[number] for number in at])
            for number, text in zip(at, former, strict=True):
                texts[number] = text
    return texts


def _places(project: Project, sources: tuple[SourceFile, ...]) -> list[_Place]:
    with project.store() as store:
        cursor = store.cursor()
        datasets, files = list_datasets(cursor), list_files(cursor)
        places = [
            (dataset.name, file, _Place(dataset.dataset_id, file.first_row))
            for dataset in datasets
            for file in files[dataset.dataset_id]
        ]
        names = {dataset.dataset_id: dataset.name for dataset in datasets}
        places += [
            (names[dataset_id], file, _Place(dataset_id, file.first_row, update_id))
            for dataset_id, update_id, file in former_files(cursor)
        ]
    held = {file.file_sha256: place for _, file, place in reversed(places)}
    by_name = {(file.file_sha256, name, file.first_row): place for name, file, place in reversed(places)}
    missing = [source for source in sources if source.sha256 not in held]
    if missing:
        listed = "; ".join(
            f"{source.file_name} (sha256 {source.sha256[:12]}…, {source.n_rows:,} rows)" for source in missing
        )
        raise ExportError(
            f"the project does not contain {listed}",
            where=str(project.root),
            do="Import it with lobass import FILE, then try again.",
        )
    return [by_name.get((source.sha256, source.dataset, source.first_row), held[source.sha256]) for source in sources]
