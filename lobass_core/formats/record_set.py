"""The files of a dataset as one stream of records: numbered on through the files, each with the place it came from."""

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from lobass_core.errors import EmptyFileError, InputFileError
from lobass_core.formats.containers.encodings import Encoding
from lobass_core.formats.folders.data_files import DataFile
from lobass_core.formats.folders.file_set import SHOWN_NAMES, FileSet
from lobass_core.formats.raw_records import BadRecord, RawRecord, shifted
from lobass_core.formats.read_files import Container, RecordStream, file_sha256, open_records
from lobass_core.formats.record_limits import ReadLimits
from lobass_core.formats.wrapped_rows import with_field

# Records of the longest kind that are looked at together.
_RECORDS_IN_HEAD = 4
_KINDS = {
    **dict.fromkeys(("json", "jsonl"), "JSON"),
    **dict.fromkeys(("csv", "tsv"), "CSV or TSV"),
    **dict.fromkeys(("parquet", "arrow"), "Parquet or Arrow"),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """How one file of the set was found to be written; an empty one is said to be as the others are."""

    file: DataFile
    container: Container
    encoding: Encoding
    compression: str
    shape: str
    n_bytes: int
    is_empty: bool = False


@dataclass(slots=True)
class RecordSet:
    """All records of a set's files, read again by each iteration; one file is open at a time.

    `row_index` counts through the files, `line` counts in each. `file_number` is the file of the current record.
    """

    files: FileSet
    opened: tuple[Opened, ...]
    encoding_name: str = "auto"
    skip_lines: int = 0
    row_list: str = ""
    limits: ReadLimits = field(default_factory=ReadLimits)
    file_number: int = 0
    _only: RecordStream | None = None
    _current: RecordStream | None = field(default=None, repr=False)
    _n_bytes_before: int = 0

    @property
    def container(self) -> Container:
        """The container of the first file; the others are of its kind."""
        return self.opened[0].container

    @property
    def encoding(self) -> Encoding:
        """The encoding of the first file."""
        return self.opened[0].encoding

    @property
    def compression(self) -> str:
        """How the first file is packed; "" for not at all."""
        return self.opened[0].compression

    @property
    def n_bytes(self) -> int:
        """Bytes of all files, packed as they are."""
        return sum(one.n_bytes for one in self.opened)

    @property
    def n_read(self) -> int:
        """Bytes of the files that the current iteration has read."""
        return self._n_bytes_before + (self._current.n_read if self._current else 0)

    @property
    def shape(self) -> str:
        """How the files hold their rows, in words; also which are empty, and what lies beside them and is not read."""
        shapes = list(dict.fromkeys(one.shape for one in self.opened if not one.is_empty))
        if len(self.opened) == 1:
            text = shapes[0]
        else:
            each = f", each {shapes[0]}" if len(shapes) == 1 else ""
            text = f"{len(self.opened):,} files as one dataset{each}"
        for column, values in (("split", self.files.splits), ("config", self.files.configs)):
            named = [value for value in values if value]
            if len(values) > 1 and named:
                text += f"; the column {column} names {' and '.join(named)}"
        empty = [one.file.name for one in self.opened if one.is_empty]
        if empty:
            more = f" and {len(empty) - SHOWN_NAMES:,} more" if len(empty) > SHOWN_NAMES else ""
            text += f"; empty: {', '.join(empty[:SHOWN_NAMES])}{more}"
        return text + (f"; not read: {', '.join(self.files.left_out)}" if self.files.left_out else "")

    def __iter__(self) -> Iterator[RawRecord | BadRecord]:
        n_rows = self._n_bytes_before = 0
        for number, one in enumerate(self.opened):
            self.file_number, n_before = number, n_rows
            for record in self._records(number):
                yield shifted(record, 0, n_before) if n_before else record
                n_rows = n_before + record.row_index + 1
            self._n_bytes_before += one.n_bytes

    def head(self, number: int, n_records: int) -> list[RawRecord | BadRecord]:
        """The first records of one file, counted from its own start; fewer where they are very long."""
        records: list[RawRecord | BadRecord] = []
        n_chars = 0
        for record in itertools.islice(self._records(number), n_records):
            records.append(record)
            n_chars += len(record.source_text)
            if n_chars > _RECORDS_IN_HEAD * self.limits.record_bytes:
                break
        return records

    def _records(self, number: int) -> Iterator[RawRecord | BadRecord]:
        if self.opened[number].is_empty:
            return
        file = self.opened[number].file
        # A JSON object is held in memory while it is read: only a file that stands alone keeps it.
        stream = self._only or open_records(file.path, self.encoding_name, self.skip_lines, self.row_list, self.limits)
        self._current = stream
        columns = self.files.columns_of(file)
        for record in stream:
            if isinstance(record, RawRecord):
                for column, value in columns:
                    record = with_field(record, (column, f"file_{column}"), value)
            yield record
        self._current = self._only

    def sha256s(self) -> list[str]:
        """The sha256 of each file."""
        return [file_sha256(one.file.path) for one in self.opened]

    def sha256(self, of_files: list[str]) -> str:
        """One sha256 for the set: that of a file which stands alone, else one of names, columns and sums together."""
        if len(of_files) == 1:
            return of_files[0]
        lines = [
            f"{digest} {one.file.name} {self.files.columns_of(one.file)}\n"
            for digest, one in zip(of_files, self.opened, strict=True)
        ]
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def open_set(
    files: FileSet,
    encoding: str = "auto",
    skip_lines: int = 0,
    row_list: str = "",
    limits: ReadLimits = ReadLimits(),  # noqa: B008 (frozen)
) -> RecordSet:
    """Open each file once, so that one which cannot be read is named before any row is.

    Raises:
        InputFileError: a file is missing, or not a file of rows; all are empty; the files are of several kinds.
        RequestError: no such encoding or list, or a setting that a file cannot have.
    """
    opened: list[Opened | None] = []
    stream: RecordStream | None = None
    empty: EmptyFileError | None = None
    for file in files.files:
        try:
            stream = open_records(file.path, encoding, skip_lines, row_list, limits)
            if len(files.files) > 1:
                _check_first_record(stream)
        except EmptyFileError as error:
            empty = error
            opened.append(None)
            continue
        except InputFileError as error:
            raise (error if len(files.files) == 1 else beside_others(error, file)) from None
        made = (stream.container, stream.encoding, stream.compression, stream.shape, stream.n_bytes)
        opened.append(Opened(file, *made))
    held = [one for one in opened if one is not None]
    if empty is not None and not held:
        several = EmptyFileError(f"all {len(opened):,} files are empty", where=str(files.root), do=empty.do)
        raise empty if len(opened) == 1 else several
    _check_kinds(files, held)
    only = stream if len(opened) == 1 else None
    all_files = tuple(one or _empty(file, held[0]) for one, file in zip(opened, files.files, strict=True))
    return RecordSet(files, all_files, encoding, skip_lines, row_list, limits, _only=only)


def _check_first_record(stream: RecordStream) -> None:
    """Raises EmptyFileError for an array or a table without a row, which only reading it tells."""
    if stream.layout in ("array", "table") and stream.arrow is None and next(iter(stream), None) is None:
        raise EmptyFileError("the file contains no records", where=str(stream.path), do="Check that it is complete.")


def _empty(file: DataFile, like: Opened) -> Opened:
    return Opened(file, like.container, like.encoding, "", "", file.path.stat().st_size, is_empty=True)


def beside_others(error: InputFileError, file: DataFile) -> InputFileError:
    """The error of one file among several, with the way to do without it."""
    return InputFileError(error.what, where=error.where, do=f"{error.do} {leave_out(file)}".strip())


def leave_out(file: DataFile) -> str:
    """What to do about a file that does not go with the others."""
    return f"To import the other files, use --exclude {file.name!r}."


def _check_kinds(files: FileSet, opened: list[Opened]) -> None:
    """Refuse files of several kinds: often they hold the same rows twice."""
    kinds = [_KINDS[one.container] for one in opened]
    if len(set(kinds)) == 1:
        return
    rarest = min(set(kinds), key=lambda kind: (kinds.count(kind), kind))
    odd = opened[kinds.index(rarest)].file
    usual = max(set(kinds), key=lambda kind: (kinds.count(kind), kind != rarest))
    ending = odd.path.suffix
    raise InputFileError(
        f"the files are of several kinds: {odd.name!r} is {rarest}, {kinds.count(usual):,} others are {usual}",
        where=str(files.root),
        do=f"They may contain the same rows twice. Choose one kind: --exclude '*{ending}', or name the files.",
    )
