"""One file a kind of sample, as JSON or Parquet: whichever shows every column with its type to whoever opens it.

JSON Lines   every row has the same keys with the same types; fields that some rows lack are in `metadata`, as text
JSON array   the same; loaders read it whole, so that a key may be null in the first rows
Parquet      everything else: tool calls, weights and names that only some turns have

The files of one export have one type: `load_dataset` opens a folder with one reader.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.exporting.arrow_rows import Shape, row_schema
from lobass_core.exporting.data_file import DataFile, JsonRows
from lobass_core.exporting.layout import Job, KindFile, Written
from lobass_core.exporting.plan import SPLITS, Split
from lobass_core.exporting.survey import Survey
from lobass_core.exporting.trainer_rows import PLAIN, MessageStyle
from lobass_core.formats.row_errors import RowError
from lobass_core.records import Sample, SampleKind

# pyarrow's own row groups of a million rows would hold them all in memory.
ROW_GROUP_ROWS = 10_000
Container = Literal["lines", "array", "parquet"]


@dataclass(frozen=True, slots=True)
class KindRows:
    """How samples of one kind become rows of a file: what builds a row, its columns, and the container it asks for."""

    build: Callable[[Sample], dict[str, Any]]
    shapes: Mapping[str, Shape]
    container: Container = "lines"
    style: MessageStyle = PLAIN
    folder: str = ""
    more_columns: tuple[pa.Field, ...] = ()  # of `numbers` that `write_rows` is given with each row


def write_rows(
    job: Job,
    survey: Survey,
    layouts: Mapping[SampleKind, KindRows],
    numbers: Callable[[], Any] | None = None,
) -> tuple[Written, list[KindFile]]:
    """Write one file a kind and split, of the rows that its layout takes; a file with no row is not written.

    `numbers()` gives an iterable with one dict of further columns for each pick.
    """
    written = Written(notes=survey.notes())
    files: dict[tuple[SampleKind, Split], _RowsOut] = {}
    beside = iter(numbers()) if numbers else None
    containers = _containers(layouts, survey)
    try:
        for row in job.rows():
            more = next(beside) if beside else {}
            kind, split = row.sample.kind, row.split
            try:
                record = layouts[kind].build(row.sample)
            except RowError as error:
                written.refuse(row, error.reason)
                continue
            if (kind, split) not in files:
                files[kind, split] = _RowsOut(job.folder, kind, split, layouts[kind], containers[kind], survey)
            files[kind, split].add(record, row.extra, more)
            files[kind, split].sample_ids.append(row.sample.sample_id)
        for out in files.values():
            out.end()
    finally:
        for out in files.values():
            out.close()
    written.kinds = kinds = [kind for kind in survey.kinds if any((kind, split) in files for split in SPLITS)]
    made = [files[kind, split] for kind in kinds for split in SPLITS if (kind, split) in files]
    for out in made:
        receipt = out.file.receipt()
        written.add_rows(receipt, "default" if out.kind == kinds[0] else out.kind, out.split)
        written.sample_ids[receipt.name] = out.sample_ids
    return written, [KindFile(out.kind, out.suffix, out.split) for out in made]


def names_of(files: Sequence[KindFile], split: Split = "train") -> dict[SampleKind, str]:
    """The names of the files of one split, by the kind of sample."""
    return {file.kind: file.name for file in files if file.split == split}


def _containers(layouts: Mapping[SampleKind, KindRows], survey: Survey) -> dict[SampleKind, Container]:
    """What each layout asks for; Parquet for all where one of the kinds does not fit into JSON Lines."""

    def fits_lines(kind: SampleKind) -> bool:
        texts = "text" in layouts[kind].shapes.values()
        return survey.fits_json(kind) and not (texts and survey.has_dates)

    asked: dict[SampleKind, Container] = {kind: layout.container for kind, layout in layouts.items()}
    present = [kind for kind in survey.kinds if kind in asked]
    if any(asked[kind] == "parquet" or (asked[kind] == "lines" and not fits_lines(kind)) for kind in present):
        return {kind: "parquet" if container == "lines" else container for kind, container in asked.items()}
    return asked


@dataclass(slots=True)
class _RowsOut:
    """The open file of one kind and split."""

    folder: Path
    kind: SampleKind
    split: Split
    layout: KindRows
    container: Container
    survey: Survey
    suffix: str = ""
    sample_ids: list[str] = field(default_factory=list)
    file: DataFile = field(init=False)
    _out: "JsonRows | ParquetRows" = field(init=False)

    def __post_init__(self) -> None:
        self.suffix = {"lines": "jsonl", "array": "json", "parquet": "parquet"}[self.container]
        name = f"{self.layout.folder}{KindFile(self.kind, self.suffix, self.split).name}"
        self.file = DataFile(self.folder, name, "rows")
        if self.container == "parquet":
            schema = row_schema(self.survey, self.kind, self.layout.shapes, self.layout.style)
            self._out = ParquetRows(self.file, pa.schema([*schema, *self.layout.more_columns]))
        else:
            self._out = JsonRows(self.file, array=self.container == "array")

    def add(self, record: dict, extra: dict, more: dict) -> None:
        columns = self.survey.columns_of(self.kind)
        unknown = columns.of(extra) if self.suffix == "parquet" else columns.json_of(extra)
        self._out.add(record | unknown | more)

    def end(self) -> None:
        self._out.end()

    def close(self) -> None:
        self.file.close()


class ParquetRows:
    """Rows gathered into row groups of one Parquet file."""

    def __init__(self, file: DataFile, schema: pa.Schema) -> None:
        self._file, self._schema = file, schema
        self._writer = pq.ParquetWriter(file, schema)
        self._batch: list[dict] = []

    def add(self, record: dict) -> None:
        self._batch.append(record)
        self._file.rows += 1
        if len(self._batch) == ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._batch:
            self._writer.write_table(pa.Table.from_pylist(self._batch, schema=self._schema))
            self._batch = []

    def end(self) -> None:
        self._flush()
        self._writer.close()
