"""Arrow tables: Parquet, Feather and Arrow IPC files and streams, each row as a dict of JSON values."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.errors import EmptyFileError, InputFileError
from lobass_core.files.named_files import size_text
from lobass_core.formats.containers.arrow_cells import column_cells
from lobass_core.formats.containers.arrow_messages import check_batches
from lobass_core.formats.containers.parquet_pages import rows_at_once
from lobass_core.formats.raw_records import BadRecord, RawRecord, bad_record
from lobass_core.formats.record_limits import MAX_RATIO, ReadLimits, check_ratio

BATCH_ROWS = 1024
# Without a buffer the whole chunk of a column is read at once, packed as it is.
READ_BYTES = 1 << 20
# A table of so many rows has more than nothing in them.
MANY_ROWS = 1_000_000
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


def count_rows(path: Path, kind: ArrowKind, limits: ReadLimits) -> int:
    """How many rows the table has.

    Raises:
        InputFileError: damaged, cut off, without rows, with two columns of one name, or with far more rows than the
            file could hold.
    """
    try:
        if kind == "parquet":
            with pq.ParquetFile(path) as file:
                n_rows, names = file.metadata.num_rows, file.schema_arrow.names
        else:
            n_rows = 0
            check_batches(path, is_stream=kind == "arrow-stream", limits=limits)
            with pa.memory_map(str(path)) as source, _reader(source, kind) as reader:
                names = reader.schema.names
                for batch in _ipc_batches(reader):
                    n_rows += batch.num_rows
    except _UNREADABLE as error:
        raise _unreadable(error, kind, str(path)) from None
    twice = sorted(name for name, n in Counter(names).items() if n > 1)
    if twice:
        raise InputFileError(
            f"the table has two columns named {twice[0]!r}",
            where=str(path),
            do="Write it again with a unique name for every column.",
        )
    if n_rows > max(MANY_ROWS, MAX_RATIO * path.stat().st_size):
        raise InputFileError(
            f"the {_NAMES[kind]} claims to have {n_rows:,} rows in {size_text(path.stat().st_size)}",
            where=str(path),
            do="Its rows cannot contain any data: check where the file comes from.",
        )
    if not n_rows:
        raise EmptyFileError(
            f"the {_NAMES[kind]} has no rows", where=str(path), do="Check that it was written completely."
        )
    return n_rows


def read_arrow(path: Path, kind: ArrowKind, limits: ReadLimits) -> Iterator[RawRecord | BadRecord]:
    """One record a row, read in batches; `line` is the row's number from 1, for a table has no lines.

    A row with a cell that has no JSON form, such as text that is not UTF-8, is set aside with the column's name.

    Raises:
        InputFileError: the file is damaged or cut off.
    """
    row_index, n_chars, n_bytes = 0, 0, path.stat().st_size
    try:
        for batch in record_batches(path, kind, limits):
            for part in _parts(batch, limits):
                if part.num_rows == 1 and _too_large(part, limits):
                    yield bad_record(row_index, row_index + 1, limits.too_long, "")
                    row_index += 1
                    continue
                for record in _part_records(part, row_index, limits):
                    yield record
                    row_index += 1
                    n_chars += len(record.source_text)
                    check_ratio(n_chars, n_bytes, str(path))
    except _UNREADABLE as error:
        raise _unreadable(error, kind, f"{path}, after row {row_index:,}") from None


def record_batches(path: Path, kind: ArrowKind, limits: ReadLimits) -> Iterator[pa.RecordBatch]:
    """The table in batches of at most `BATCH_ROWS`, fewer where the rows are long, with all its types."""
    if kind == "parquet":
        with path.open("rb") as pages, pq.ParquetFile(path, buffer_size=READ_BYTES) as file:
            for group in range(file.num_row_groups):
                n_rows = min(BATCH_ROWS, rows_at_once(pages, path, file.metadata, group, limits))
                yield from file.iter_batches(batch_size=n_rows, row_groups=[group])
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
        do="Check that it was written and copied completely.",
    )


def _parts(batch: pa.RecordBatch, limits: ReadLimits) -> Iterator[pa.RecordBatch]:
    """The batch in parts that are not much longer than a record may be as Python values, each row of one or more."""
    shared = any(_may_repeat(field.type) for field in batch.schema)
    if not shared and batch.nbytes <= limits.record_bytes:
        yield batch
        return
    start = n_bytes = 0
    for place in range(batch.num_rows):
        n_bytes += limits.record_bytes if shared else batch.slice(place, 1).nbytes
        if n_bytes >= limits.record_bytes:
            yield batch.slice(start, place + 1 - start)
            start, n_bytes = place + 1, 0
    if start < batch.num_rows:
        yield batch.slice(start)


def _too_large(row: pa.RecordBatch, limits: ReadLimits) -> bool:
    """Whether a row is not worth making Python values of; a picture in it, which no text needs, may take some room."""
    return row.nbytes > 4 * limits.record_bytes and not any(_may_repeat(field.type) for field in row.schema)


def _may_repeat(kind: pa.DataType) -> bool:
    """Whether one value in memory may stand in many rows."""
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return True
    if any(test(kind) for test in _VIEWS):
        return True
    return any(_may_repeat(kind.field(number).type) for number in range(kind.num_fields))


_VIEWS = (
    pa.types.is_string_view,
    pa.types.is_binary_view,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def _part_records(batch: pa.RecordBatch, first: int, limits: ReadLimits) -> Iterator[RawRecord | BadRecord]:
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
        if limits.is_over(source):
            yield bad_record(first + place, first + place + 1, limits.too_long, source)
        elif place in faults:
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
