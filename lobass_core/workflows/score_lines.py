"""The lines of a file of scores: which columns hold keys and values, and what each line says.

    sample_id,quality
    5b0c...e1,3.5

Lines count from 1, as editors show them, and rows from 0, as the pages do.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from lobass_core.errors import RequestError
from lobass_core.formats.named_values import MISSING, key_text, named_value
from lobass_core.formats.raw_records import BadRecord, RawRecord
from lobass_core.formats.record_limits import read_limits
from lobass_core.formats.record_set import RecordSet, open_set
from lobass_core.formats.spreadsheet_cells import plain_cell
from lobass_core.specs import ImportSpec, ScoreFileSpec
from lobass_core.store.score_matches import BroughtLine
from lobass_core.workflows.source_file import files_of

Fault = Literal["missing", "not a number", "non-finite", "unreadable"]

PLACE_COLUMNS = ("sample_id", "dataset", "row_index", "row")
# Records whose columns are looked at before the file is read.
FIRST_RECORDS = 100
# A spec of files asks for a domain, which scores do not have.
_NO_DOMAIN = "scores"
# Records inside records that are looked into for numbers.
DEEPEST = 3
_ID = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
# What pandas, R and spreadsheets write for a number that is not there, and for one that is not finite.
_NO_VALUE = ("", "na", "n/a", "null", "none")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_LONGEST_INDEX = 18


@dataclass(frozen=True, slots=True)
class SetAside:
    """A line without a usable number or name, and why."""

    line: int
    fault: Fault
    reason: str

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(slots=True)
class ScoreLines:
    """An opened file with scores. `columns` are those of its first records, `value_column` holds the numbers.

    `index_column` names each line's row; empty where a line's own place does.
    """

    spec: ScoreFileSpec
    stream: RecordSet
    columns: tuple[str, ...]
    value_column: str
    index_column: str
    dataset: str

    @classmethod
    def open(cls, spec: ScoreFileSpec, dataset: str) -> "ScoreLines":
        """Read the first records and settle the columns; `dataset` is the one meant where a line names none.

        Raises:
            InputFileError: the file is missing, empty, or not a file of rows.
            RequestError: it lacks a column, or several could hold the values.
        """
        stream, rows = _first_rows(ImportSpec(spec.path, domain=_NO_DOMAIN, **files_asked(spec)))
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
        lines = cls(spec, stream, columns, "", "", dataset)
        lines.value_column = lines._value_column(rows)
        lines._check_key(rows)
        if spec.key == "row":
            lines.index_column = next((name for name in ("row_index", "row") if name in columns), "")
        return lines

    @property
    def by_position(self) -> bool:
        """Whether each line means the row at its own place in the file."""
        return self.spec.key == "row" and not self.index_column

    def _value_column(self, rows: list[dict]) -> str:
        if wanted := self.spec.column:
            if not any(named_value(row, wanted, MISSING) is not MISSING for row in rows):
                raise self._lacks(wanted, "--column")
            return wanted
        if self.spec.name in self.columns:
            return self.spec.name
        left = [name for name in self.columns if name not in (*PLACE_COLUMNS, self.spec.key)]
        if len(left) == 1:
            return left[0]
        raise RequestError(
            f"no column is named {self.spec.name!r}" + (", and several could contain its values" if left else ""),
            where=self.spec.path,
            do=f"Use --column with one of: {self._listed(left or self.columns)}.",
        )

    def _check_key(self, rows: list[dict]) -> None:
        key = "sample_id" if self.spec.key == "sample-id" else self.spec.key
        if self.spec.key != "row" and not any(named_value(row, key, MISSING) is not MISSING for row in rows):
            raise self._lacks(key, "--key")

    def _lacks(self, column: str, option: str) -> RequestError:
        return RequestError(
            f"no record has the column {column!r}",
            where=self.spec.path,
            do=f"Its columns are {self._listed(self.columns)}; choose one with {option}.",
        )

    def _listed(self, columns: list[str] | tuple[str, ...]) -> str:
        return ", ".join(columns[:20]) or "none"

    def read(self) -> Iterator[BroughtLine | SetAside]:
        """Every line of the file, in its order."""
        for record in self.stream:
            if isinstance(record, BadRecord):
                yield SetAside(record.line, "unreadable", record.reason)
            elif not isinstance(record.value, dict):
                yield SetAside(record.line, "unreadable", "is not an object with named values")
            else:
                yield self._line(record)

    def _line(self, record: RawRecord) -> BroughtLine | SetAside:
        try:
            names = self._names(record)
        except ValueError as error:
            return SetAside(record.line, "unreadable", str(error))
        value = number_of(self._value(record))
        if isinstance(value, float):
            return BroughtLine(record.line, value, **names)
        fault, shown = value
        return SetAside(record.line, fault, f"{self.value_column} is {shown}")

    def _value(self, record: RawRecord) -> Any:
        value = self._cell(named_value(record.value, self.value_column))
        text = record.text_in_file or ""
        if value is None and ("NaN" in text or "Infinity" in text):
            # JSON's reader takes these for missing values (Parquet's does so for good); the text says what they were.
            try:
                return named_value(json.loads(text), self.value_column)
            except (ValueError, AttributeError, RecursionError):
                return None
        return value

    def _cell(self, value: Any) -> Any:
        """The value as it was before LoBaSS guarded it for spreadsheets: it writes names of datasets and numbers so."""
        return plain_cell(value) if self.stream.container in ("csv", "tsv") else value

    def _names(self, record: RawRecord) -> dict[str, Any]:
        """How the line names its row; raises ValueError where it does not."""
        values = record.value
        if self.spec.key == "sample-id":
            return {"sample_id": _sample_id(values.get("sample_id"))}
        if self.spec.key != "row":
            key = key_text(named_value(values, self.spec.key))
            if not key:
                raise ValueError(f"has no key: {self.spec.key} is empty, or neither text nor a whole number")
            return {"key": key}
        index, named = record.row_index, None
        if self.index_column:
            # A file without numbers of rows may be the data themselves, whose column `dataset` means something else.
            index, named = _row_index(values.get(self.index_column)), self._cell(values.get("dataset"))
        dataset = (named if isinstance(named, str) else "") or self.spec.dataset or self.dataset
        if not dataset:
            raise ValueError("names no dataset, but the project has several")
        return {"dataset": dataset, "row_index": index}


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns of a file's first records; `numeric` ones hold a number in one of them, nested ones by their path."""

    columns: tuple[str, ...]
    numeric: tuple[str, ...]


def files_asked(spec: ScoreFileSpec) -> dict[str, Any]:
    """Which of several files are read, as fields that an import of records has too; what is not chosen is left out."""
    return {name: value for name in ("split", "config", "revision") if (value := getattr(spec, name))}


def file_columns(path: str, **files: Any) -> FileColumns:
    """What of a file can be a key, and what can be a score; `files` are as `files_asked` gives them.

    Raises:
        InputFileError: the file is missing, empty, or not a file of rows.
    """
    _, rows = _first_rows(ImportSpec(path, domain=_NO_DOMAIN, **files))
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    numeric = dict.fromkeys(name for row in rows for name in _numeric(row, "") if name not in PLACE_COLUMNS)
    return FileColumns(columns, tuple(numeric))


def _first_rows(files: ImportSpec) -> tuple[RecordSet, list[dict]]:
    """The file, opened, and its first records."""
    # As an import finds its files, a folder or a dataset of the Hub too.
    stream = open_set(files_of(files), limits=read_limits())
    heads = [record for number in range(len(stream.opened)) for record in stream.head(number, FIRST_RECORDS)]
    return stream, [one.value for one in heads if isinstance(one, RawRecord) and isinstance(one.value, dict)]


def _numeric(row: Mapping[str, Any], before: str) -> Iterator[str]:
    for name, value in row.items():
        if isinstance(value, Mapping) and before.count(".") < DEEPEST:
            yield from _numeric(value, f"{before}{name}.")
        elif isinstance(number_of(value), float):
            yield f"{before}{name}"


def number_of(value: Any) -> float | tuple[Fault, str]:
    """The value as a finite number, or what is wrong with it and what it is in a few characters."""
    if value is None:
        return "missing", "missing"
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in _NO_VALUE:
            return "missing", "empty"
        if _NOT_FINITE.fullmatch(text):
            return "non-finite", text
        if not _NUMBER.fullmatch(text):
            return "not a number", repr(text[:40])
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "not a number", repr(value)[:40]
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return number if math.isfinite(number) else ("non-finite", str(value)[:40])


def _sample_id(value: Any) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    if not _ID.fullmatch(text):
        raise ValueError("has no sample_id of 64 hex digits")
    return text


def _row_index(value: Any) -> int:
    text = key_text(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_INDEX):
        raise ValueError(f"has no row: {str(value)[:40]!r} is not a whole number of 0 or more")
    return int(text)


def file_name(path: str) -> str:
    """What the log calls the file."""
    return Path(path).name or path
