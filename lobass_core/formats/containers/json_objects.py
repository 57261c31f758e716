"""One JSON object that holds the rows of a file: in one list or several, as its members, as columns, or as itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lobass_core.errors import RequestError
from lobass_core.formats.classify import classify
from lobass_core.formats.containers.encodings import has_bad_bytes
from lobass_core.formats.containers.json_tables import TABLE_READERS, table_kind
from lobass_core.formats.containers.json_values import read_array, read_sequence
from lobass_core.formats.raw_records import (
    BadRecord,
    DuplicateKeyError,
    RawRecord,
    bad_record,
    decode_at,
    json_text,
    mended,
    shifted,
)
from lobass_core.formats.record_limits import ReadLimits
from lobass_core.formats.turn_lists import is_turn
from lobass_core.formats.wrapped_rows import rows_of, with_field

_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_END = re.compile(r"[\s,]*\}")
MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object with the place of its value; one that cannot be read ends at -1, its value is None."""

    key: str
    value: Any
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """A place in the object that holds rows. `path` is "train" or "dataset.train", "" for the object itself.

    kind: "list" of rows, "members" that are the rows, "row" for the object itself, or one of `TABLE_READERS`.
    """

    path: str
    kind: str
    start: int
    value: Any = None
    members: tuple[Member, ...] = ()
    fits: bool = False


class JsonObject:
    """The object of a file with its parts. The text is held in memory: what it is shows only at its end."""

    def __init__(self, text: str, row_list: str, limits: ReadLimits) -> None:
        self.text, self._limits = text, limits
        self.start = _SPACE.match(text).end()  # type: ignore[union-attr]
        members = tuple(_members(text, self.start))
        self._end = members[-1].end if members and members[-1].end != -1 else len(text)
        parts = _parts(text, members, self.start, "", 0)
        near = {part.path.rpartition(".")[0] for part in parts if part.fits}
        self.parts = [part for part in parts if not near or part.fits or part.path.rpartition(".")[0] in near]
        if row_list:
            self.parts = [_named_part(parts, row_list)]
        self.beside = [part.path for part in parts if part not in self.parts]
        self._names = _short_names([part.path for part in self.parts])

    @property
    def shape(self) -> str:
        """How the object holds its rows, in words."""
        kinds = {part.kind for part in self.parts}
        paths = [repr(part.path) for part in self.parts]
        if kinds == {"row"}:
            text = "one JSON object, read as a single row"
        elif kinds == {"members"} and len(paths) == 1:
            text = "one JSON object whose members are the rows"
        elif kinds <= TABLE_READERS.keys() and len(paths) == 1:
            text = f"one JSON object, {TABLE_READERS[self.parts[0].kind].words}"
        elif len(paths) == 1:
            text = f"one JSON object with its rows under {paths[0]}"
        else:
            listed = f"{', '.join(paths[:-1])} and {paths[-1]}"
            text = f"one JSON object with its rows under {listed}; the column split tells them apart"
        return text + (f"; not read: {', '.join(map(repr, self.beside))}" if self.beside else "")

    def records(self) -> Iterator[RawRecord | BadRecord]:
        """The rows of all parts in order, each with the name of its part where there are several."""
        n_rows = 0
        for part, name in zip(self.parts, self._names, strict=True):
            n_before = n_rows
            for record in self._read(part):
                if len(self.parts) > 1 and isinstance(record, RawRecord):
                    record = with_field(record, ("split", "file_split"), name)
                yield shifted(record, 0, n_before)
                n_rows += 1
        if rest := self._rest():
            line = self.text.count("\n", 0, len(self.text) - len(rest)) + 1
            yield bad_record(n_rows, line, "text after the end of the object", rest)

    def _rest(self) -> str:
        """What follows the object in the file; a single row is read with all that follows."""
        end = _END.match(self.text, self._end)
        return self.text[end.end() :].strip() if end and self.parts[0].kind != "row" else ""

    def _read(self, part: Part) -> Iterator[RawRecord | BadRecord]:
        line = self.text.count("\n", 0, part.start)
        if part.kind == "list":
            for record in read_array(iter([self.text[part.start :]]), self._limits):
                # What follows the list belongs to the object, not to the rows.
                if isinstance(record, RawRecord) or not record.reason.startswith("text after the end"):
                    yield shifted(record, line)
        elif part.kind == "members":
            yield from _read_members(self.text, part.members, self._limits)
        elif part.kind == "row":
            for record in read_sequence(iter([self.text[part.start :]]), self._limits):
                yield shifted(record, line)
        else:
            for row_index, row in enumerate(TABLE_READERS[part.kind].rows(part.value)):
                if isinstance(row, str):
                    yield bad_record(row_index, line + 1, row, "")
                    continue
                source = json_text(row)
                if self._limits.is_over(source):
                    yield bad_record(row_index, line + 1, self._limits.too_long, source)
                    continue
                value, was_mended = mended(row, source.encode("ascii", "backslashreplace").decode())
                yield RawRecord(row_index, line + 1, value, source, was_mended)


def _named_part(parts: list[Part], name: str) -> Part:
    for part in parts:
        if name in (part.path, part.path.rpartition(".")[2]):
            return part
    listed = ", ".join(repr(part.path) for part in parts if part.path)
    raise RequestError(
        f"the object has no list of rows named {name!r}",
        do=f"Its lists are {listed}." if listed else "It has no lists of rows: remove --list.",
    )


def _short_names(paths: list[str]) -> list[str]:
    names = [path.rpartition(".")[2] for path in paths]
    return names if len(set(names)) == len(names) else paths


def _parts(text: str, members: tuple[Member, ...], start: int, path: str, depth: int) -> list[Part]:
    """Where the object at `start` keeps its rows: at the top at least the object itself, deeper perhaps nowhere."""
    complete = {member.key: member.value for member in members if member.end != -1}
    if kind := table_kind(complete):
        first = next((row for row in TABLE_READERS[kind].rows(complete) if not isinstance(row, str)), None)
        return [Part(path, kind, start, complete, fits=classify(first) is not None)]
    if classify(complete) is not None and len(complete) == len(members):
        return [] if path else [Part("", "row", start)]
    inner = [(member, _inner_parts(text, member, path, depth)) for member in members]
    deeper = [part for _, parts in inner for part in parts]
    rows = tuple(member for member, parts in inner if not parts and _may_be_row(member))
    fits = any(classify(member.value) is not None for member in rows)
    if fits or (rows and not deeper and not path and len(rows) == len(members)):
        return [Part(path, "members", start, members=rows, fits=fits), *deeper]
    return deeper if deeper or path else [Part("", "row", start)]


def _may_be_row(member: Member) -> bool:
    return isinstance(member.value, dict) or member.value is None


def _inner_parts(text: str, member: Member, path: str, depth: int) -> list[Part]:
    inner = f"{path}.{member.key}" if path else member.key
    if text[member.start : member.start + 1] == "[":
        return [_list_part(member, inner)] if _is_row_list(text, member) else []
    if isinstance(member.value, dict) and depth < MAX_DEPTH:
        return _parts(text, tuple(_members(text, member.start)), member.start, inner, depth + 1)
    return []


def _list_part(member: Member, path: str) -> Part:
    fits = member.value is None or any(classify(row) is not None for row in rows_of(member.value[:20]))
    return Part(path, "list", member.start, fits=fits)


def _is_row_list(text: str, member: Member) -> bool:
    """Whether a list holds rows: objects that are no single turns, or lists. A broken one is judged by its start."""
    if member.end == -1:
        return text[member.start + 1 : member.start + 100].lstrip()[:1] in ("{", "[")
    items = member.value or []
    return any(isinstance(item, dict | list) and not is_turn(item) for item in items)


def _members(text: str, start: int) -> Iterator[Member]:
    """The object's members as far as they can be read."""
    at = _SPACE.match(text, start).end() + 1  # type: ignore[union-attr]
    while True:
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        if at >= len(text) or text[at] == "}":
            return
        if text[at] == ",":
            at += 1
            continue
        try:
            key, end = decode_at(text, at)
            at = _SPACE.match(text, end).end()  # type: ignore[union-attr]
            if not isinstance(key, str) or text[at : at + 1] != ":":
                return
            at = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
        except (ValueError, RecursionError):
            return
        try:
            value, end = decode_at(text, at)
        except DuplicateKeyError as error:
            yield Member(key, None, at, error.args[1])
            at = error.args[1]
            continue
        except (ValueError, RecursionError):
            yield Member(key, None, at, -1)
            return
        yield Member(key, value, at, end)
        at = end


def _read_members(text: str, members: tuple[Member, ...], limits: ReadLimits) -> Iterator[RawRecord | BadRecord]:
    """Rows that are the members of an object; the member's name becomes their id where they have none."""
    for row_index, member in enumerate(members):
        line = text.count("\n", 0, member.start) + 1
        source = text[member.start : member.end] if member.end != -1 else text[member.start :]
        if member.end == -1:
            reason = "the file ends, or is no longer JSON, in this record"
            yield bad_record(row_index, line, reason, source)
        elif limits.is_over(source):
            yield bad_record(row_index, line, limits.too_long, source)
        elif member.value is None:
            yield bad_record(row_index, line, "a key occurs twice with different values", source)
        elif has_bad_bytes(source):
            yield bad_record(row_index, line, "contains bytes that are not valid in the file's encoding", source)
        else:
            value, was_mended = mended(member.value, source)
            yield with_field(RawRecord(row_index, line, value, source, was_mended), ("id", "key"), member.key)
