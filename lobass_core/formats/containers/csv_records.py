"""CSV and TSV: a record a row under a header line, cells as text."""

import csv
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lobass_core.errors import EmptyFileError, InputFileError
from lobass_core.formats.classify import classify
from lobass_core.formats.containers.csv_dialect import Dialect, dialect_of, n_title_lines, sample_lines, unescaped
from lobass_core.formats.containers.encodings import has_bad_bytes
from lobass_core.formats.containers.json_lines import CutLine, split_lines
from lobass_core.formats.raw_records import BadRecord, RawRecord, bad_record
from lobass_core.formats.record_limits import ReadLimits
from lobass_core.words.plural import plural

MAX_CELL_CHARS = 1 << 30


class _Lines:
    """Feeds csv.reader whole lines and keeps those of the row being read, as the source of a reject.

    Raises:
        InputFileError: the row is longer than a record may be. Where the next one begins cannot be told then: a quote
            that opens a cell looks like one that closes it.
    """

    def __init__(self, lines: Iterator[str], dialect: Dialect, path: Path, limits: ReadLimits) -> None:
        self._lines = lines
        self._escapes = dialect.escapes
        self._path, self._limits = path, limits
        self._n_lines, self._n_chars = dialect.n_above, 0
        self.current: list[str] = []

    def begin(self) -> None:
        """A new row."""
        self.current, self._n_chars = [], 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if line[:1] == "\0" and not line.strip("\0"):
            line = ""  # what a crash leaves at the end of a file
        self._n_lines += 1
        self._n_chars += len(line)
        if self._n_chars > self._limits.record_bytes or isinstance(line, CutLine):
            first = self._n_lines - len(self.current)
            raise InputFileError(
                f"the row that begins here {self._limits.too_long}",
                where=f"{self._path}, line {first:,}",
                do="Look for a quoted cell that is never closed, or raise --max-record-mb.",
            )
        self.current.append(line)
        return (unescaped(line) if self._escapes else line) + "\n"


def read_csv(chunks: Iterable[str], container: str, path: Path, limits: ReadLimits) -> Iterator[RawRecord | BadRecord]:
    """One record a row under the header line; a quoted cell may hold line ends.

    Raises:
        InputFileError: no row, or a header that cannot be read, is blank, names a column twice, or has lines above it;
            or a row that is too long.
    """
    csv.field_size_limit(MAX_CELL_CHARS)
    rest = split_lines(chunks, limits)
    sampled = sample_lines(rest)
    dialect = dialect_of(sampled, container)
    lines = _Lines(itertools.chain(sampled[dialect.n_above :], rest), dialect, path, limits)
    yield from _Table(sampled[dialect.n_above :], lines, dialect, path).records()


class _Table:
    """A table being read: its header, then its rows. A column without a name and, as far as was looked, without a cell
    has the name None."""

    def __init__(self, sampled: list[str], lines: _Lines, dialect: Dialect, path: Path) -> None:
        self.n_above, self.path, self.lines = dialect.n_above, path, lines
        self.reader = csv.reader(self.lines, delimiter=dialect.delimiter, strict=True)
        names = self._header()
        known = classify(dict.fromkeys(names)) is not None
        if not known and (n_title := n_title_lines(sampled, dialect.delimiter)):
            raise InputFileError(
                f"{plural(n_title, 'line is', 'lines are')} above the header",
                where=f"{path}, line {n_title + self.n_above + 1:,}",
                do=f"Use --skip-lines {n_title + self.n_above}. If they are rows, quote the cells that contain a "
                "comma.",
            )
        self.names = _named_where_filled(names, sampled, dialect)

    def _header(self) -> list[str]:
        try:
            cells = next((cells for cells in self.reader if cells), [])
        except csv.Error as error:
            raise self._header_error(f"cannot be read: {_explain(error)}") from None
        names = [cell.strip() for cell in cells]
        twice = sorted(name for name, n in Counter(names).items() if name and n > 1)
        if twice:
            raise self._header_error(f"has two columns named {twice[0]!r}")
        if not any(names):
            raise self._header_error("is blank")
        return names

    def _header_error(self, what: str) -> InputFileError:
        first = next((number for number, line in enumerate(self.lines.current, 1) if line.strip()), 1)
        return InputFileError(
            f"the header line {what}",
            where=f"{self.path}, line {first + self.n_above:,}",
            do="Give every column a unique name in the first line, or use --skip-lines N if other lines are above it.",
        )

    def records(self) -> Iterator[RawRecord | BadRecord]:
        """The rows under the header."""
        row_index = 0
        while True:
            line = self.reader.line_num + self.n_above + 1
            self.lines.begin()
            try:
                cells = next(self.reader)
            except StopIteration:
                break
            except csv.Error as error:
                yield bad_record(row_index, line, self._reason(error), self._source())
                row_index += 1
                continue
            if cells:
                yield self._record(row_index, line, cells)
                row_index += 1
        if not row_index:
            raise EmptyFileError(
                "the table has a header but no rows", where=str(self.path), do="Check that it is complete."
            )

    def _record(self, row_index: int, line: int, cells: list[str]) -> RawRecord | BadRecord:
        n_columns = len(self.names)
        if len(cells) != n_columns:
            # Cells beyond the header that hold nothing are what a trailing comma leaves.
            if len(cells) < n_columns or any(cell.strip() for cell in cells[n_columns:]):
                reason = f"has {plural(len(cells), 'cell')}, but the header has {n_columns}"
                return bad_record(row_index, line, reason, self._source())
            cells = cells[:n_columns]
        source = self._source()
        if has_bad_bytes(source):
            return bad_record(row_index, line, "contains bytes that are not valid in the file's encoding", source)
        row = {name: cell for name, cell in zip(self.names, cells, strict=True) if name is not None}
        if len(row) < n_columns and any(
            cell.strip() for name, cell in zip(self.names, cells, strict=True) if name is None
        ):
            return bad_record(row_index, line, "a cell is in a column without a name", source)
        return RawRecord(row_index, line, row, None)

    def _source(self) -> str:
        return "\n".join(self.lines.current)

    def _reason(self, error: csv.Error) -> str:
        n_after = len(self.lines.current) - 1
        if "unexpected end of data" in str(error) and n_after:
            return f"{_explain(error)}; lines read as its text: {n_after:,}"
        return _explain(error)


def _named_where_filled(names: list[str], lines: Sequence[str], dialect: Dialect) -> list[str | None]:
    """The header with None for each nameless column whose cells are blank in these lines.

    The first nameless column that holds something keeps its empty name, as pandas writes an index; further ones are
    called by their place.
    """
    if all(names):
        return list(names)
    reader = csv.reader((line.replace("\r", " ") + "\n" for line in lines), delimiter=dialect.delimiter)
    filled = {index for cells in itertools.islice(reader, 1, None) for index, cell in enumerate(cells) if cell.strip()}
    nameless = [index for index, name in enumerate(names) if not name and index in filled]
    places = {index: f"Unnamed: {index}" if number else "" for number, index in enumerate(nameless)}
    return [name or places.get(index) for index, name in enumerate(names)]


def _explain(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a quoted cell that opens here is never closed"
    if "new-line character" in text:
        return "a cell without quotes contains a carriage return"
    if "expected after" in text:
        return "a quoted cell contains a quote that is not doubled"
    return f"not a valid row: {text}"
