"""Arrow tables: Parquet, Feather and Arrow IPC files and streams, each row as a dict of JSON values."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.errors import InputFileError
from lobass_core.formats.containers.arrow_cells import column_cells
from lobass_core.formats.raw_records import BadRecord, RawRecord, bad_record

BATCH_ROWS = 1024
ArrowKind = Literal["parquet", "arrow-file", "arrow-stream"]
# A damaged schema may name a column by bytes that are not UTF-8.
_UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
_NAMES = {"parquet": "Parquet file", "arrow-file": "Arrow file", "arrow-stream": "Arrow stream"}


def arrow_kind(head: bytes) -> ArrowKind | None:
    """Which kind of Arrow table a file is, by its first bytes; None for anything else."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow-file"
    # A stream begins with the schema's message: a continuation mark and the length of its metadata.
    return "arrow-stream" if head[:4] == b"\xff\xff\xff\xff" and len(head) > 8 else None


def count_rows(path: Path, kind: ArrowKind) -> int:
    """How many rows the table has.

    Raises:
        InputFileError: damaged, cut off, without rows, or with two columns of one name.
    """
    try:
        if kind == "parquet":
            with pq.ParquetFile(path) as file:
                n_rows, names = file.metadata.num_rows, file.schema_arrow.names
        else:
            n_rows = 0
            with pa.memory_map(str(path)) as source, _reader(source, kind) as reader:
                names = reader.schema.names
                for batch in _ipc_batches(reader):
                    n_rows += batch.num_rows
    except _UNREADABLE as error:
        raise _unreadable(error, kind, str(path)) from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputFileError(
            f"the table names the column {twice[0]!r} twice",
            where=str(path),
            do="Write it again with a name of its own for every column.",
        )
    if not n_rows:
        raise InputFileError(
            f"the {_NAMES[kind]} has no rows", where=str(path), do="Check that it was written in full."
        )
    return n_rows


def read_arrow(path: Path, kind: ArrowKind) -> Iterator[RawRecord | BadRecord]:
    """One record a row, read in batches; `line` is the row's number from 1, for a table has no lines.

    A row with a cell that has no JSON form, such as text that is not UTF-8, is set aside with the column's name.

    Raises:
        InputFileError: the file is damaged or cut off.
    """
    row_index = 0
    try:
        for batch in record_batches(path, kind):
            for record in _batch_records(batch, row_index):
                yield record
                row_index += 1
    except _UNREADABLE as error:
        raise _unreadable(error, kind, f"{path}, after row {row_index:,}") from None


def record_batches(path: Path, kind: ArrowKind) -> Iterator[pa.RecordBatch]:
    """The table in batches of at most `BATCH_ROWS`, with all its types."""
    if kind == "parquet":
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=BATCH_ROWS)
        return
    with pa.memory_map(str(path)) as source, _reader(source, kind) as reader:
        for batch in _ipc_batches(reader):
            _check_offsets(batch)
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS)


def _check_offsets(batch: pa.RecordBatch) -> None:
    """Refuse a batch whose buffers contradict each other: Arrow would end the process when it reads them.

    Text that is not UTF-8 fails the same check and costs its row alone, later. Parquet's reader makes its own buffers.
    """
    for column in batch.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):
                raise


def _reader(source: pa.NativeFile, kind: ArrowKind) -> Any:
    return pa.ipc.open_file(source) if kind == "arrow-file" else pa.ipc.open_stream(source)


def _ipc_batches(reader: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchStreamReader):
        yield from reader
        return
    for number in range(reader.num_record_batches):
        yield reader.get_batch(number)


def _unreadable(error: Exception, kind: ArrowKind, where: str) -> InputFileError:
    return InputFileError(
        f"the {_NAMES[kind]} cannot be read: {str(error).splitlines()[0]}",
        where=where,
        do="Check that it was written and copied in full.",
    )


def _batch_records(batch: pa.RecordBatch, first: int) -> Iterator[RawRecord | BadRecord]:
    names = batch.schema.names
    columns, faults = [], dict[int, str]()
    for name, column in zip(names, batch.columns, strict=True):
        cells, bad = column_cells(column)
        columns.append(cells)
        for place, reason in bad.items():
            faults.setdefault(place, f"the column {name!r} {reason}")
    for place, values in enumerate(zip(*columns, strict=True)):
        row = {name: plain(_dense(value)) for name, value in zip(names, values, strict=True)}
        source = json.dumps(row, ensure_ascii=False)
        if place in faults:
            yield bad_record(first + place, first + place + 1, faults[place], source)
        else:
            yield RawRecord(first + place, first + place + 1, row, source)


def plain(value: Any) -> Any:
    """JSON values only. Keys that Arrow filled with null inside nested dicts go; NaN means missing."""
    if isinstance(value, dict):
        if value.keys() == {"bytes", "path"} and isinstance(value["bytes"], bytes):
            # A stored picture or sound: megabytes that no text needs.
            return {**value, "bytes": f"{len(value['bytes']):,} bytes"}
        return {str(key): plain(_dense(item)) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(_dense(item)) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value if value is None or isinstance(value, str | int) else str(value)


def _dense(item: Any) -> Any:
    return {key: value for key, value in item.items() if value is not None} if isinstance(item, dict) else item
