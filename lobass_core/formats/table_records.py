"""Tables: CSV and TSV rows as dicts of cells, Parquet rows as dicts of values."""

import csv
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.errors import InputFileError
from lobass_core.formats.encodings import has_bad_bytes
from lobass_core.formats.json_lines import split_lines
from lobass_core.formats.raw_records import BadRecord, RawRecord, bad_record

MAX_CELL_CHARS = 1 << 30
PARQUET_BATCH_ROWS = 1024


class _Lines:
    """Feeds csv.reader whole lines and keeps those of the row being read, as the source of a reject."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._lines = split_lines(chunks)
        self.current: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.current.append(line)
        return line + "\n"


def delimiter_of(first_line: str, container: str) -> str:
    """Tab for TSV; for CSV the comma, or the semicolon or tab where the header has those and no comma."""
    if container == "tsv":
        return "\t"
    counts = {character: first_line.count(character) for character in ",;\t"}
    return "," if counts[","] or not any(counts.values()) else max(counts, key=lambda character: counts[character])


def read_csv(chunks: Iterable[str], container: str, path: Path) -> Iterator[RawRecord | BadRecord]:
    """One record a row under the header line; a quoted cell may hold line ends.

    Raises:
        InputFileError: no header, or one that names a column twice.
    """
    csv.field_size_limit(MAX_CELL_CHARS)
    lines = _Lines(chunks)
    first = next(lines, "")
    header_lines = _Lines([])
    header_lines._lines = _chain(first, lines)
    reader = csv.reader(header_lines, delimiter=delimiter_of(first, container), strict=True)
    header = _header(next(reader, []), path)
    row_index = 0
    while True:
        line, header_lines.current = reader.line_num + 1, []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield bad_record(row_index, line, _explain(error), "\n".join(header_lines.current))
            row_index += 1
            continue
        if not cells:
            continue
        source = "\n".join(header_lines.current)
        if len(cells) != len(header):
            reason = f"has {len(cells)} cells where the header has {len(header)}"
            yield bad_record(row_index, line, reason, source)
        elif has_bad_bytes(source):
            yield bad_record(row_index, line, "holds bytes that are not valid in the file's encoding", source)
        else:
            row = dict(zip(header, cells, strict=True))
            yield RawRecord(row_index, line, row, json.dumps(row, ensure_ascii=False))
        row_index += 1


def _chain(first: str, rest: Iterable[str]) -> Iterator[str]:
    if first:
        yield first.removesuffix("\n")
    for line in rest:
        yield line.removesuffix("\n")


def _explain(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return "a quoted cell that opens here is never closed"
    return f"not a valid row: {error}"


def _header(cells: list[str], path: Path) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not any(names):
        problem = f"names the column {twice[0]!r} twice" if twice else "is blank"
        raise InputFileError(
            f"the header line {problem}",
            where=f"{path}, line 1",
            do="Give every column its own name in the first line.",
        )
    return names


def read_parquet(path: Path) -> Iterator[RawRecord]:
    """One record a row, read in batches; `line` is the row's number from 1, for a Parquet file has no lines.

    Raises:
        InputFileError: the file is damaged or cut off.
    """
    row_index = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=PARQUET_BATCH_ROWS):
                for row in batch.to_pylist():
                    value = _plain(row)
                    source = json.dumps(value, ensure_ascii=False)
                    yield RawRecord(row_index, row_index + 1, value, source)
                    row_index += 1
    except (pa.ArrowException, OSError) as error:
        raise InputFileError(
            f"the Parquet file cannot be read: {str(error).splitlines()[0]}",
            where=f"{path}, after row {row_index:,}",
            do="Check that it was written and copied in full.",
        ) from None


def _plain(value: Any) -> Any:
    """JSON values only. Keys that Arrow filled with null inside nested dicts go; NaN means missing."""
    if isinstance(value, dict):
        return {key: _plain(_dense(item)) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(_dense(item)) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value if value is None or isinstance(value, str | int) else str(value)


def _dense(item: Any) -> Any:
    return {key: value for key, value in item.items() if value is not None} if isinstance(item, dict) else item
