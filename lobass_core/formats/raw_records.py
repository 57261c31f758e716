"""What a file yields before any format is known: records as they were parsed, and records that could not be."""

import json
import math
from dataclasses import dataclass
from typing import Any

from lobass_core.formats.lone_surrogates import may_hold_lone, without_lone

# A reject keeps enough of its source to find and mend it; the tail of a damaged gigabyte is not copied whole.
MAX_REJECT_CHARS = 1_000_000
# Python reads no longer integers unless told to; they come as text.
MAX_INT_DIGITS = 4300


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One parsed record. `row_index` counts records from 0, good and bad alike; `line` counts lines from 1.

    `text_in_file` is the untouched slice of the file for JSON, None for a row of a table, which has no such text.
    `mended` says that unpaired surrogates of the source are U+FFFD in the value.
    """

    row_index: int
    line: int
    value: Any
    text_in_file: str | None
    mended: bool = False

    @property
    def source_text(self) -> str:
        """What is kept of the record: its text, for tables the JSON text of the cells, written when it is asked for."""
        return json.dumps(self.value, ensure_ascii=False) if self.text_in_file is None else self.text_in_file


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be read as data at all, and why."""

    row_index: int
    line: int
    reason: str
    source_text: str


def bad_record(row_index: int, line: int, reason: str, source_text: str) -> BadRecord:
    """A reject whose source is cut to a bounded length; characters without a UTF-8 form are shown as escapes."""
    kept = source_text[:MAX_REJECT_CHARS]
    return BadRecord(row_index, line, reason, kept.encode("utf-8", "backslashreplace").decode("utf-8"))


def shifted(record: RawRecord | BadRecord, n_lines: int, n_rows: int = 0) -> RawRecord | BadRecord:
    """The record of a part of a file, placed in the whole."""
    row_index, line = record.row_index + n_rows, record.line + n_lines
    if isinstance(record, RawRecord):
        return RawRecord(row_index, line, record.value, record.text_in_file, record.mended)
    return BadRecord(row_index, line, record.reason, record.source_text)


class DuplicateKeyError(ValueError):
    """A JSON object that holds one key twice, with different values."""


class SpelledFloat(float):
    """A number that `str` writes as the file did: `3.10` stays "3.10" where it becomes text."""

    __slots__ = ("spelling",)
    spelling: str

    def __new__(cls, text: str) -> "SpelledFloat":
        number = float.__new__(cls, text)
        number.spelling = text
        return number

    def __str__(self) -> str:
        return self.spelling


def _float_of(text: str) -> float | str:
    # 1e999 is a valid number that no float holds; JSON has no word for infinity.
    number = SpelledFloat(text)
    return number if math.isfinite(number) else text


def _int_of(text: str) -> int | str:
    return int(text) if len(text) <= MAX_INT_DIGITS else text


class _PairCheck:
    """Builds dicts and remembers a key that occurred twice with different values; plain dicts would keep the last."""

    def __init__(self) -> None:
        self.key: str | None = None

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) != len(pairs):
            for key, value in pairs:
                if row[key] != value:
                    self.key = key
        return row


_pair_check = _PairCheck()
# strict=False: raw tabs and newlines inside strings are common in hand-made files and lose nothing when accepted.
# NaN and Infinity are not JSON and no text; they mean "missing". The source text keeps them.
_READING: dict[str, Any] = {
    "strict": False,
    "object_pairs_hook": _pair_check,
    "parse_float": _float_of,
    "parse_constant": lambda _: None,
}
_decoder = json.JSONDecoder(**_READING)
# Apart, because a hook is called for every integer of every row: 0.6 µs and more for a row with two.
_long_int_decoder = json.JSONDecoder(**_READING, parse_int=_int_of)


def decode_at(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins at `start`, and where it ends. Unpaired surrogates stay: `mended` replaces them.

    Raises:
        json.JSONDecodeError: it is malformed or incomplete.
        DuplicateKeyError: it is well formed, but a key holds two values; `args[1]` is where it ends.
        RecursionError: it is nested too deeply.
    """
    _pair_check.key = None
    try:
        value, end = _decoder.raw_decode(text, start)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of more than MAX_INT_DIGITS
        _pair_check.key = None
        value, end = _long_int_decoder.raw_decode(text, start)
    if _pair_check.key is not None:
        raise DuplicateKeyError(f"the key {_pair_check.key!r} occurs twice with different values", end)
    return value, end


def mended(value: Any, source: str) -> tuple[Any, bool]:
    """The value of that source text with U+FFFD for each unpaired surrogate, and whether there was one.

    Raises:
        DuplicateKeyError: two keys are equal once they are mended.
    """
    if not may_hold_lone(source):
        return value, False
    try:
        clean, n_replaced = without_lone(value)
    except ValueError as error:
        raise DuplicateKeyError(str(error)) from None
    return (clean, True) if n_replaced else (value, False)


def decode_line(text: str) -> Any:
    """The one JSON value that the line holds, mended; raises as `decode_at`, also when something follows the value."""
    start = len(text) - len(text.lstrip(" \t\r\n\ufeff"))
    value, end = decode_at(text, start)
    rest = text[end:].strip(" \t\r\n")
    if rest:
        raise json.JSONDecodeError("Extra data", text, end)
    return mended(value, text)[0]


def json_text(value: Any) -> str:
    """JSON text of a value that was read, with each number as the file spelled it."""
    if isinstance(value, SpelledFloat):
        return value.spelling
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {json_text(value[key])}" for key in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def explain(error: Exception) -> str:
    """One plain sentence part for a decoding error."""
    if isinstance(error, json.JSONDecodeError):
        reason = f"{error.msg[0].lower()}{error.msg[1:]}".removesuffix(" starting at")
        return f"not valid JSON: {reason} (character {error.pos + 1:,} of the record)"
    if isinstance(error, RecursionError):
        return "nested too deeply to be a conversation"
    return str(error.args[0]) if error.args else "unreadable"
