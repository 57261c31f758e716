"""Any data file as a stream of records: JSON, JSON lines, CSV, TSV or Parquet, packed or not, in any encoding."""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lobass_core.errors import InputFileError
from lobass_core.formats.byte_streams import ByteStream, Compression, check_readable, compression_of
from lobass_core.formats.encodings import Encoding, detect_encoding, named_encoding, text_chunks
from lobass_core.formats.json_lines import read_json_lines, split_lines
from lobass_core.formats.json_values import object_shape, read_array, read_object, read_sequence
from lobass_core.formats.raw_records import BadRecord, RawRecord, bad_record, decode_at, decode_line
from lobass_core.formats.table_records import read_csv, read_parquet

__all__ = ["BadRecord", "Container", "RawRecord", "RecordStream", "file_sha256", "open_records"]

Container = Literal["json", "jsonl", "csv", "tsv", "parquet"]
Layout = Literal["array", "object", "sequence", "lines", "table"]

# Enough text to see two records of ordinary size; a first line may be longer.
HEAD_CHARS = 1 << 16
MAX_HEAD_CHARS = 1 << 23


@dataclass(slots=True)
class RecordStream:
    """A file's records, read anew by each iteration; nothing is held but the record at hand.

    `shape` says in words how the file holds its rows. `n_read` of `n_bytes` is where the current iteration stands.
    """

    path: Path
    container: Container
    encoding: Encoding
    compression: Compression
    layout: Layout
    shape: str
    n_bytes: int
    _stream: ByteStream | None = field(default=None, repr=False)
    _n_parquet_read: int = 0
    n_rows: int | None = None

    @property
    def n_read(self) -> int:
        """Bytes of the file (packed, if it is) that the current iteration has read."""
        return self._n_parquet_read if self._stream is None else self._stream.n_read

    def __iter__(self) -> Iterator[RawRecord | BadRecord]:
        if self.container == "parquet":
            yield from self._read_parquet()
            return
        stream = self._stream = ByteStream(self.path)
        n_records, line = 0, 0
        for record in self._read_text(text_chunks(stream, self.encoding.name)):
            n_records, line = record.row_index + 1, record.line
            yield record
        if stream.torn:
            yield bad_record(n_records, line, f"{stream.torn}: rows after this one are missing", "")

    def _read_parquet(self) -> Iterator[RawRecord]:
        self._stream, n_rows = None, max(self.n_rows or 0, 1)
        for record in read_parquet(self.path):
            self._n_parquet_read = self.n_bytes * (record.row_index + 1) // n_rows
            yield record

    def _read_text(self, chunks: Iterator[str]) -> Iterator[RawRecord | BadRecord]:
        if self.layout == "table":
            return read_csv(chunks, self.container, self.path)
        readers = {"array": read_array, "object": read_object, "sequence": read_sequence, "lines": read_json_lines}
        return readers[self.layout](chunks)


def open_records(path: str | Path, encoding: str = "auto") -> RecordStream:
    """Tell container, compression and encoding of a file by its bytes, and get ready to stream its records.

    Raises:
        InputFileError: missing, empty, or not a file of rows.
        RequestError: no such encoding.
    """
    path = Path(path)
    head = check_readable(path)
    if head.startswith(b"PAR1"):
        return _open_parquet(path)
    compression = compression_of(head)
    known = detect_encoding(path) if encoding == "auto" else named_encoding(encoding)
    text = _head_text(path, known.name)
    container, layout, shape = _layout_of(text, path)
    return RecordStream(path, container, known, compression, layout, shape, path.stat().st_size)


def _open_parquet(path: Path) -> RecordStream:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            n_rows = file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputFileError(
            f"the Parquet file cannot be read: {str(error).splitlines()[0]}",
            where=str(path),
            do="Check that it was written and copied in full.",
        ) from None
    if not n_rows:
        raise InputFileError("the Parquet file has no rows", where=str(path), do="Check that it was written in full.")
    return RecordStream(
        path,
        "parquet",
        Encoding("utf-8", "Parquet"),
        "",
        "table",
        "a Parquet table",
        path.stat().st_size,
        n_rows=n_rows,
    )


def _head_text(path: Path, encoding: str) -> str:
    """The file's first characters: at least its first two lines, as far as `MAX_HEAD_CHARS` goes."""
    pieces, n_chars = [], 0
    for chunk in text_chunks(ByteStream(path), encoding):
        pieces.append(chunk)
        n_chars += len(chunk)
        text = "".join(pieces)
        if n_chars >= MAX_HEAD_CHARS or (n_chars >= HEAD_CHARS and text.lstrip().count("\n") >= 2):
            break
    return "".join(pieces)


def _layout_of(head: str, path: Path) -> tuple[Container, Layout, str]:
    """Container, layout and its description, from the file's beginning and, for tables alone, its name."""
    suffix = next((s.lower() for s in reversed(path.suffixes) if s.lower() not in (".gz", ".zst")), "")
    start = head.lstrip(" \t\r\n\ufeff")
    if not start:
        raise InputFileError("the file holds nothing but blank space", where=str(path), do="Check that it is complete.")
    if suffix in (".csv", ".tsv", ".tab"):
        container: Container = "csv" if suffix == ".csv" else "tsv"
        return container, "table", f"a {container.upper()} table"
    lines = list(itertools.islice((line for line in split_lines([start]) if line.strip()), 3))
    if suffix in (".jsonl", ".ndjson") and (start[0] != "[" or (len(lines) > 1 and _is_value(lines[0], dict, list))):
        _check_some_json(lines, path)
        return "jsonl", "lines", "JSON, one record a line"
    if start[0] == "[":
        return "json", "array", "a JSON array"
    if start[0] == "{":
        return _object_layout(start, lines, suffix)
    raise _not_rows(lines[0], path)


def _object_layout(start: str, lines: list[str], suffix: str) -> tuple[Container, Layout, str]:
    """A text that begins with an object: lines, one object, or objects one after another."""
    if len(lines) > 1 and (_is_value(lines[0], dict) or _is_value(lines[1], dict)):
        return "jsonl", "lines", "JSON, one record a line"
    if len(lines) == 1 and suffix != ".json" and _is_value(lines[0], dict):
        return "jsonl", "lines", "JSON, one record a line"
    try:
        _, end = decode_at(start, 0)
    except (ValueError, RecursionError):
        return "json", "object", object_shape(start)
    if start[end:].strip():
        return "json", "sequence", "JSON records one after another"
    return "json", "object", object_shape(start)


def _is_value(line: str, *kinds: type) -> bool:
    try:
        return isinstance(decode_line(line), kinds)
    except (ValueError, RecursionError):
        return False


def _check_some_json(lines: list[str], path: Path) -> None:
    if not any(line.lstrip("\ufeff \t")[:1] in ("{", "[", '"') for line in lines):
        raise _not_rows(lines[0], path)


def _not_rows(first_line: str, path: Path) -> InputFileError:
    shown = json.dumps(first_line[:40] + ("..." if len(first_line) > 40 else ""), ensure_ascii=True)
    return InputFileError(
        f"the file is not JSON, JSON lines, CSV, TSV or Parquet: it begins with {shown}",
        where=str(path),
        do='Raw text needs one JSON line a text, {"text": "..."}; a table needs a name ending in .csv or .tsv.',
    )


def file_sha256(path: str | Path) -> str:
    """sha256 (hex) of the file's bytes as they lie on the disk."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
