"""Any data file as a stream of records: JSON, JSON lines, CSV, TSV, Parquet, Arrow; packed or not; in any encoding."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lobass_core.errors import InputFileError, RequestError
from lobass_core.files.named_files import check_regular
from lobass_core.formats.containers.arrow_records import ArrowKind, arrow_kind, count_rows, read_arrow
from lobass_core.formats.containers.byte_streams import ByteStream, Compression, check_readable, compression_of
from lobass_core.formats.containers.csv_records import read_csv
from lobass_core.formats.containers.encodings import Encoding, detect_encoding, named_encoding, text_chunks
from lobass_core.formats.containers.json_lines import read_json_lines
from lobass_core.formats.containers.json_objects import JsonObject
from lobass_core.formats.containers.json_values import read_array, read_sequence
from lobass_core.formats.containers.text_layout import Container, Layout, layout_of, without_lines
from lobass_core.formats.raw_records import BadRecord, RawRecord, bad_record, shifted
from lobass_core.formats.record_limits import ReadLimits

__all__ = ["BadRecord", "Container", "RawRecord", "RecordStream", "file_sha256", "open_records"]

# Enough text to see two records of ordinary size; a first line may be longer.
HEAD_CHARS = 1 << 16
MAX_HEAD_CHARS = 1 << 23
_MEND = "Check that it was written and copied completely."


@dataclass(slots=True)
class RecordStream:
    """A file's records, read again by each iteration; nothing is held but the record at hand, or the one JSON object.

    `shape` says in words how the file holds its rows. `n_read` of `n_bytes` is where the current iteration stands.
    """

    path: Path
    container: Container
    encoding: Encoding
    compression: Compression
    layout: Layout
    shape: str
    n_bytes: int
    skip_lines: int = 0
    only_returns: bool = False
    arrow: ArrowKind | None = None
    n_rows: int | None = None
    limits: ReadLimits = field(default_factory=ReadLimits)
    _object: JsonObject | None = field(default=None, repr=False)
    _stream: ByteStream | None = field(default=None, repr=False)
    _n_arrow_read: int = 0

    @property
    def n_read(self) -> int:
        """Bytes of the file (packed, if it is) that the current iteration has read."""
        return self._n_arrow_read if self._stream is None else self._stream.n_read

    def __iter__(self) -> Iterator[RawRecord | BadRecord]:
        if self.arrow is not None:
            yield from self._read_arrow(self.arrow)
            return
        n_records, line = 0, 0
        for record in self._read_text():
            n_records, line = record.row_index + 1, record.line
            yield shifted(record, self.skip_lines) if self.skip_lines else record
        if self._stream is not None and self._stream.torn:
            reason = f"{self._stream.torn}: rows after this one are missing"
            yield bad_record(n_records, line + self.skip_lines, reason, "")

    def _read_arrow(self, kind: ArrowKind) -> Iterator[RawRecord | BadRecord]:
        self._stream, n_rows = None, max(self.n_rows or 0, 1)
        for record in read_arrow(self.path, kind, self.limits):
            self._n_arrow_read = self.n_bytes * (record.row_index + 1) // n_rows
            yield record

    def _read_text(self) -> Iterator[RawRecord | BadRecord]:
        if self._object is not None:
            return self._object.records()
        if self.layout == "table":
            return read_csv(self._chunks(), self.container, self.path, self.limits)
        readers = {"array": read_array, "sequence": read_sequence, "lines": read_json_lines}
        return readers[self.layout](self._chunks(), self.limits)

    def _chunks(self) -> Iterator[str]:
        self._stream = ByteStream(self.path)
        chunks = text_chunks(self._stream, self.encoding.name)
        if self.only_returns:
            chunks = (chunk.replace("\r", "\n") for chunk in chunks)
        return without_lines(chunks, self.skip_lines)

    def load_object(self, row_list: str) -> None:
        """Read the single JSON object in the file; what it holds shows only at its end.

        Raises:
            InputFileError: it is too large to be held in memory.
            RequestError: it has no list of that name.
        """
        pieces, n_chars = [], 0
        for chunk in self._chunks():
            pieces.append(chunk)
            n_chars += len(chunk)
            if n_chars > self.limits.held_bytes:
                do = "Write its rows as JSON lines, one per line: jq -c '.KEY[]'."
                raise self.limits.unheld("the single JSON object in the file", str(self.path), do)
        try:
            self._object = JsonObject("".join(pieces), row_list, self.limits)
        except RequestError as error:
            raise RequestError(error.what, where=str(self.path), do=error.do) from None
        self.shape = self._object.shape


def open_records(
    path: str | Path,
    encoding: str = "auto",
    skip_lines: int = 0,
    row_list: str = "",
    limits: ReadLimits = ReadLimits(),  # noqa: B008 (frozen)
) -> RecordStream:
    """Tell container, compression and encoding of a file by its bytes, and get ready to stream its records.

    `skip_lines` lines at the top of a text file are left out. `row_list` names the list of a JSON object to read; by
    default all are read.

    Raises:
        InputFileError: missing, empty, or not a file of rows.
        RequestError: no such encoding or list, or a setting that this kind of file cannot have.
    """
    path = Path(path)
    head = check_readable(path)
    if kind := arrow_kind(head):
        _refuse(skip_lines > 0, "--skip-lines", "lines", path)
        _refuse(bool(row_list), "--list", "lists", path)
        return _open_arrow(path, kind, limits)
    compression = compression_of(head)
    known = detect_encoding(path, limits.look_bytes) if encoding == "auto" else named_encoding(encoding)
    text, only_returns = _head_text(path, known.name, skip_lines)
    container, layout, shape = layout_of(text, path, limits)
    of_file = (path, container, known, compression, layout, shape, path.stat().st_size)
    stream = RecordStream(*of_file, skip_lines, only_returns, limits=limits)
    if layout == "object":
        stream.load_object(row_list)
    else:
        _refuse(bool(row_list), "--list", "lists", path)
    return stream


def _refuse(is_asked: bool, option: str, things: str, path: Path) -> None:
    if is_asked:
        raise RequestError(f"the file has no {things} for {option}", where=str(path), do=f"Remove {option}.")


def _open_arrow(path: Path, kind: ArrowKind, limits: ReadLimits) -> RecordStream:
    n_rows = count_rows(path, kind, limits)
    container: Container = "parquet" if kind == "parquet" else "arrow"
    name = {"parquet": "a Parquet table", "arrow-file": "an Arrow table", "arrow-stream": "an Arrow stream"}[kind]
    encoding = Encoding("utf-8", name.rpartition(" ")[0].split()[-1])
    of_file = (path, container, encoding, "", "table", name, path.stat().st_size)
    return RecordStream(*of_file, arrow=kind, n_rows=n_rows, limits=limits)  # type: ignore[arg-type]


def _head_text(path: Path, encoding: str, skip_lines: int) -> tuple[str, bool]:
    """The file's first characters after the skipped lines, at least two lines as far as `MAX_HEAD_CHARS` goes; and
    whether its lines end with carriage returns alone."""
    pieces, n_chars = [], 0
    stream = ByteStream(path)
    for chunk in text_chunks(stream, encoding):
        pieces.append(chunk)
        n_chars += len(chunk)
        text = "".join(pieces)
        if n_chars >= MAX_HEAD_CHARS or (n_chars >= HEAD_CHARS and text.lstrip().count("\n") >= 2 + skip_lines):
            break
    if not pieces and stream.torn:
        raise InputFileError(f"the file cannot be decompressed: {stream.torn}", where=str(path), do=_MEND)
    text = "".join(pieces)
    only_returns = "\r" in text and "\n" not in text
    if only_returns:
        text = text.replace("\r", "\n")
    return "".join(without_lines(iter([text]), skip_lines)), only_returns


def file_sha256(path: str | Path) -> str:
    """sha256 (hex) of the file's bytes as they lie on the disk.

    Raises:
        InputFileError: it is no regular file.
    """
    check_regular(Path(path))
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
