"""Read, check and write the lines of a file of decisions.

A line holds what one author did to one sample at one time: a decision with its reason, tags, a note, or several of
them. Samples are named by their id and, for projects that read the same record otherwise, by dataset and row:

    dataset,row_index,sample_id,decision,reason,tags,note,removed_tags,removed_note,author,made_at
    chats,17,5b0c...e1,drop,wrong sum,"arithmetic, check",,,,anna,2026-03-01T10:00:00+00:00
    chats,17,5b0c...e1,,,,,check,yes,ben,2026-03-02T10:00:00+00:00

An empty cell says nothing. What was taken away is said in columns of its own, which a file may lack.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from lobass_core.errors import RequestError
from lobass_core.files.atomic_file import whole_file
from lobass_core.formats.raw_records import BadRecord
from lobass_core.formats.read_files import open_records
from lobass_core.formats.spreadsheet_cells import harmless_cell, plain_cell
from lobass_core.workflows.author import author_fault
from lobass_core.workflows.decide import LONGEST_NOTE, LONGEST_REASON, VERDICTS, tag_fault

COLUMNS = (
    "dataset", "row_index", "sample_id", "decision", "reason", "tags", "note", "removed_tags", "removed_note", "author",
    "made_at",
)  # fmt: skip
_YES, _NO = ("yes", "true", "1"), ("", "no", "false", "0")
_ID = re.compile(r"[0-9a-f]{64}")
# Clocks differ; what lies further ahead would win over every later decision.
AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One good line; `line` counts in its file, `row_index` is -1 and `made_at` empty where none is given."""

    line: int
    dataset: str = ""
    row_index: int = -1
    sample_id: str = ""
    decision: str = ""
    reason: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    author: str = ""
    made_at: str = ""
    removed_tags: tuple[str, ...] = ()
    removed_note: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether it names a sample and says nothing about it."""
        return not (self.decision or self.tags or self.removed_tags or self.notes)

    @property
    def notes(self) -> bool:
        """Whether it says something about the note: another one, or none any more."""
        return bool(self.note.strip()) or self.removed_note

    @property
    def names(self) -> str:
        """The sample in a few words."""
        row = f"{self.dataset}, row {self.row_index:,}" if self.dataset else ""
        return ", ".join(part for part in (self.sample_id[:12], row) if part)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was set aside, and why."""

    line: int
    reason: str

    def to_dict(self) -> dict:
        return asdict(self)


def read_lines(path: Path, ignored: set[str]) -> Iterator[DecisionLine | BadLine]:
    """The lines of a CSV, TSV, JSON or JSON lines file; names of columns that nobody reads go to `ignored`.

    Raises:
        InputFileError: the file cannot be read, or is empty.
        RequestError: it has none of the columns.
    """
    stream = open_records(path)
    is_table, known = stream.layout == "table", False
    for record in stream:
        if isinstance(record, BadRecord):
            yield BadLine(record.line, record.reason)
            continue
        if not isinstance(record.value, dict):
            yield BadLine(record.line, "is not an object with named values")
            continue
        values = {name: plain_cell(cell) for name, cell in record.value.items()} if is_table else record.value
        ignored |= {name for name in values if name not in COLUMNS}
        known = known or not values.keys().isdisjoint(COLUMNS)
        try:
            yield _line(record.line, values)
        except ValueError as error:
            yield BadLine(record.line, str(error))
    if not known and ignored:
        raise RequestError(
            f"the file has none of the columns of a decisions file; it has {', '.join(sorted(ignored)[:8])}",
            where=str(path),
            do=f"The columns are {', '.join(COLUMNS)}.",
        )


def _line(number: int, values: dict[str, Any]) -> DecisionLine:
    line = DecisionLine(
        number,
        _text(values, "dataset"),
        _row_index(values.get("row_index")),
        _text(values, "sample_id").strip().lower(),
        _text(values, "decision").strip().lower(),
        _text(values, "reason"),
        _tags(values.get("tags")),
        _text(values, "note"),
        _text(values, "author").strip(),
        _time(_text(values, "made_at").strip()),
        _tags(values.get("removed_tags")),
        _yes(values.get("removed_note")),
    )
    _check(line)
    return line


def _check(line: DecisionLine) -> None:
    if line.sample_id and not _ID.fullmatch(line.sample_id):
        raise ValueError(f"sample_id {line.sample_id[:80]!r} does not have 64 hex digits")
    if bool(line.dataset) != (line.row_index >= 0):
        raise ValueError("has a dataset but no row_index" if line.dataset else "has a row_index but no dataset")
    if not (line.sample_id or line.dataset):
        raise ValueError("names no sample: it needs a sample_id, or a dataset and row_index")
    if line.decision and line.decision not in VERDICTS:
        raise ValueError(f"decision {line.decision[:40]!r} is not one of {', '.join(VERDICTS)}")
    if line.reason and not line.decision:
        raise ValueError("has a reason but no decision")
    for name, text, longest in (("reason", line.reason, LONGEST_REASON), ("note", line.note, LONGEST_NOTE)):
        if len(text) > longest:
            raise ValueError(f"the {name} has {len(text):,} characters; the limit is {longest:,}")
    if line.note.strip() and line.removed_note:
        raise ValueError("has a note but says that the note was removed")
    if both := set(line.tags) & set(line.removed_tags):
        raise ValueError(f"has the tag {sorted(both)[0]!r} but says that it was removed")
    for fault in (*(tag_fault(tag) for tag in (*line.tags, *line.removed_tags)), author_fault(line.author)):
        if fault:
            raise ValueError(fault)


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if isinstance(value, dict | list | bool):
        raise ValueError(f"{name} is not text")
    return str(value)


def _yes(value: Any) -> bool:
    text = "" if value is None else str(value).strip().lower()
    if text not in (*_YES, *_NO):
        raise ValueError(f"removed_note {text[:40]!r} is neither yes nor empty")
    return text in _YES


def _row_index(value: Any) -> int:
    if value is None or value == "":
        return -1
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if number < 0 or not number.is_integer() or isinstance(value, bool) or number > 2**62:
        raise ValueError(f"row_index {str(value)[:40]!r} is not a row number; rows are counted from 0")
    return int(number)


def _tags(value: Any) -> tuple[str, ...]:
    """Tags as a list, or by commas as in a cell: `a, "b, with a comma"`."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        try:
            (value,) = csv.reader([value], skipinitialspace=True, strict=True)
        except (csv.Error, ValueError):
            raise ValueError("the tags are not separated by commas, or a quote is never closed") from None
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise ValueError("tags is not a list of texts")
    return tuple(dict.fromkeys(tag.strip() for tag in value if tag.strip()))


def _time(text: str) -> str:
    """A time as the store keeps it: in UTC, to the second."""
    if not text:
        return ""
    try:
        time = datetime.fromisoformat(text)
        in_utc = time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        in_utc = None
    if in_utc is None:
        raise ValueError(f"made_at {text[:40]!r} is not a time with a time zone, such as 2026-03-01T10:00:00+00:00")
    if in_utc > datetime.now(UTC) + AHEAD:
        raise ValueError(f"made_at {text[:40]!r} is in the future")
    return in_utc.isoformat(timespec="seconds")


def write_lines(path: Path, lines: Iterable[DecisionLine]) -> int:
    """Write the lines as CSV or, by the ending, JSON lines; returns their number. The file is whole or not there.

    Raises:
        RequestError: the ending is neither, or the file cannot be written.
    """
    writers = {".csv": write_csv, ".jsonl": write_jsonl}
    if path.suffix not in writers:
        raise RequestError(
            f"{path.suffix or 'no ending'!r} is not a file type for decisions",
            where=str(path),
            do="Use a .csv or .jsonl file.",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
            n_lines = writers[path.suffix](file, lines)
    except OSError as error:
        raise RequestError(
            f"the decisions cannot be written: {error.strerror}", where=str(path), do="Use another path."
        ) from None
    return n_lines


def write_csv(file: IO[str], lines: Iterable[DecisionLine]) -> int:
    """The lines as a table, in which no spreadsheet runs a cell; returns their number."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    n_lines = 0
    for line in lines:
        cells = {
            **_values(line),
            "tags": _tags_cell(line.tags),
            "removed_tags": _tags_cell(line.removed_tags),
            "removed_note": "yes" if line.removed_note else "",
        }
        writer.writerow([harmless_cell("" if cells[name] is None else cells[name]) for name in COLUMNS])
        n_lines += 1
    return n_lines


def write_jsonl(file: IO[str], lines: Iterable[DecisionLine]) -> int:
    """The lines as JSON, one each; returns their number."""
    n_lines = 0
    for line in lines:
        file.write(json.dumps(_values(line), ensure_ascii=False) + "\n")
        n_lines += 1
    return n_lines


def _values(line: DecisionLine) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in COLUMNS}
    return {
        **values,
        "row_index": None if line.row_index < 0 else line.row_index,
        "tags": list(line.tags),
        "removed_tags": list(line.removed_tags),
    }


def _tags_cell(tags: tuple[str, ...]) -> str:
    cell = io.StringIO()
    csv.writer(cell, lineterminator="").writerow(tags)
    return cell.getvalue() if tags else ""
