"""JSON values one after another: the elements of an array, or records over several lines, streamed one by one."""

import json
import re
from collections.abc import Iterator
from typing import Any

from lobass_core.formats.containers.encodings import has_bad_bytes
from lobass_core.formats.containers.json_lines import is_cut_off
from lobass_core.formats.raw_records import (
    MAX_REJECT_CHARS,
    BadRecord,
    DuplicateKeyError,
    RawRecord,
    bad_record,
    decode_at,
    explain,
    mended,
)
from lobass_core.formats.record_limits import ReadLimits

_SPACE = re.compile(r"[ \t\r\n\ufeff\x1e\0]*")
_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\]|\\.){0,100}")\s*:')
# More than the opening of an element takes, white space included.
_OVERLAP_CHARS = 4096


class RecordTooLong(ValueError):
    """The value at the window's start is longer than a record may be; where it ends is not known."""


class Window:
    """The part of a text that is being parsed: grows by doubling, forgets what was read, knows the line."""

    def __init__(self, chunks: Iterator[str], limits: ReadLimits) -> None:
        self._chunks, self.limits = chunks, limits
        self.text = ""
        self.start = 0
        self.line = 1
        self.ended = False

    def grow(self) -> bool:
        """Read on until the unread part has doubled; False at the end of the file."""
        if self.ended:
            return False
        kept = self.text[self.start :]
        pieces, n_wanted = [kept], max(len(kept), 1)
        while n_wanted > 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.ended = True
                break
            pieces.append(chunk)
            n_wanted -= len(chunk)
        self.text, self.start = "".join(pieces), 0
        return len(self.text) > len(kept)

    def advance(self, end: int) -> None:
        """Everything before `end` has been read."""
        self.line += self.text.count("\n", self.start, end)
        self.start = end

    def peek(self) -> str:
        """The next character that is not white space; "" at the end of the file."""
        while True:
            self.advance(_SPACE.match(self.text, self.start).end())  # type: ignore[union-attr]
            if self.start < len(self.text):
                return self.text[self.start]
            if not self.grow():
                return ""

    def value(self) -> tuple[Any, int]:
        """The JSON value at `start` and its end, read on as far as it needs; `start` stays.

        Raises: as `decode_at`; a JSONDecodeError may be due to the end of the file (`cut_off`). RecordTooLong where the
            value goes on beyond the limit.
        """
        while True:
            try:
                value, end = decode_at(self.text, self.start)
            except json.JSONDecodeError as error:
                if not is_cut_off(error, len(self.text)):
                    raise
                if len(self.text) - self.start > self.limits.record_bytes:
                    raise RecordTooLong(self.limits.too_long) from None
                if not self.grow():
                    raise
                continue
            # "12" at the window's edge may go on as "123".
            if end == len(self.text) and self.text[self.start] not in '{["' and self.grow():
                continue
            return value, end

    def cut_off(self, error: Exception) -> bool:
        """Whether the value at `start` failed only because the file ends inside it."""
        return self.ended and isinstance(error, json.JSONDecodeError) and is_cut_off(error, len(self.text.rstrip()))


def read_array(chunks: Iterator[str], limits: ReadLimits) -> Iterator[RawRecord | BadRecord]:
    """The elements of one JSON array. A broken element is set aside up to where the next one begins."""
    window = Window(chunks, limits)
    window.peek()
    window.advance(window.start + 1)  # the opening bracket
    yield from _read_elements(window, closing="]")


def read_sequence(chunks: Iterator[str], limits: ReadLimits) -> Iterator[RawRecord | BadRecord]:
    """JSON values one after another, each over as many lines as it likes."""
    yield from _read_elements(Window(chunks, limits), closing="")


def _read_elements(window: Window, closing: str) -> Iterator[RawRecord | BadRecord]:
    row_index, first_key = 0, ""
    while True:
        character = window.peek()
        if character == ",":
            window.advance(window.start + 1)
            continue
        if not character:
            if closing:
                reason = "the file ends before its array is closed: the rows after this one are missing"
                yield bad_record(row_index, window.line, reason, "")
            return
        if character == closing:
            window.advance(window.start + 1)
            if window.peek() == "[":
                # Another array follows, as where files were joined.
                window.advance(window.start + 1)
                continue
            if window.peek():
                reason = "text after the end of the array"
                yield bad_record(row_index, window.line, reason, window.text[window.start :])
            return
        record, end, cut = _read_element(window, row_index, first_key)
        row_index += 1
        yield record
        if cut:
            return
        if isinstance(record, RawRecord):
            first_key = _first_key(record.source_text) or first_key
        window.advance(end)


def _read_element(window: Window, row_index: int, first_key: str) -> tuple[RawRecord | BadRecord, int, bool]:
    """The record at the window's start, where it ends, and whether the file ends inside it."""
    line = window.line
    try:
        value, end = window.value()
    except DuplicateKeyError as error:
        end = error.args[1]
        return bad_record(row_index, line, explain(error), window.text[window.start : end]), end, False
    except (ValueError, RecursionError) as error:
        if window.cut_off(error):
            reason = "the file ends in the middle of this record"
            return bad_record(row_index, line, reason, window.text[window.start :]), len(window.text), True
        reason = explain(_relative(error, window.start))
        broken = _skip_broken(window, first_key or _first_key(window.text[window.start : window.start + 1000]))
        return bad_record(row_index, line, reason, broken.rstrip(", \t\r\n")), window.start, False
    source = window.text[window.start : end]
    if window.limits.is_over(source):
        return bad_record(row_index, line, window.limits.too_long, source), end, False
    if has_bad_bytes(source):
        reason = "contains bytes that are not valid in the file's encoding"
        return bad_record(row_index, line, reason, source), end, False
    try:
        value, was_mended = mended(value, source)
    except DuplicateKeyError as error:
        return bad_record(row_index, line, explain(error), source), end, False
    return RawRecord(row_index, line, value, source, was_mended), end, False


def _relative(error: Exception, start: int) -> Exception:
    if isinstance(error, json.JSONDecodeError):
        return json.JSONDecodeError(error.msg, error.doc[start:], error.pos - start)
    return error


def _first_key(source: str) -> str:
    match = _FIRST_KEY.match(source)
    return match[1] if match else ""


def _skip_broken(window: Window, first_key: str) -> str:
    """Go to where the element after a broken one begins, at the next object that opens with the key all others open
    with; returns the broken text, of a very long one the beginning."""
    opening = re.compile(r"[,\n]\s*(?=\{\s*" + (re.escape(first_key) + r"\s*:" if first_key else "") + ")")
    pieces: list[str] = []
    n_kept, search_at = 0, window.start + 1
    while True:
        opened = opening.search(window.text, search_at)
        if opened:
            end = opened.end()
        else:
            end = len(window.text) if window.ended else max(window.start, len(window.text) - _OVERLAP_CHARS)
        if n_kept < MAX_REJECT_CHARS:
            pieces.append(window.text[window.start : end])
            n_kept += len(pieces[-1])
        window.advance(end)
        if opened or window.ended:
            return "".join(pieces)
        window.grow()
        search_at = window.start
