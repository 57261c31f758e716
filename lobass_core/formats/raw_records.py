"""What a file yields before any format is known: records as they were parsed, and records that could not be."""

import json
from dataclasses import dataclass
from typing import Any

# A reject keeps enough of its source to find and mend it; the tail of a damaged gigabyte is not copied whole.
MAX_REJECT_CHARS = 1_000_000


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One parsed record. `row_index` counts records from 0, good and bad alike; `line` counts lines from 1.

    `source_text` is the untouched slice of the file for JSON, and the JSON text of the cells for tables.
    """

    row_index: int
    line: int
    value: Any
    source_text: str


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


class DuplicateKeyError(ValueError):
    """A JSON object that holds one key twice, with different values."""


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
_decoder = json.JSONDecoder(strict=False, object_pairs_hook=_pair_check, parse_constant=lambda _: None)


def decode_at(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins at `start`, and where it ends.

    Raises:
        json.JSONDecodeError: it is malformed or incomplete.
        DuplicateKeyError: it is well formed, but a key holds two values; `args[1]` is where it ends.
        ValueError: a number with more digits than Python reads.
        RecursionError: it is nested too deeply.
    """
    _pair_check.key = None
    value, end = _decoder.raw_decode(text, start)
    if _pair_check.key is not None:
        raise DuplicateKeyError(f"the key {_pair_check.key!r} occurs twice with different values", end)
    return value, end


def decode_line(text: str) -> Any:
    """The one JSON value that the line holds; raises as `decode_at`, also when something follows the value."""
    start = len(text) - len(text.lstrip(" \t\r\n\ufeff"))
    value, end = decode_at(text, start)
    rest = text[end:].strip(" \t\r\n")
    if rest:
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def explain(error: Exception) -> str:
    """One plain sentence part for a decoding error."""
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg[0].lower()}{error.msg[1:]} (character {error.pos + 1:,} of the record)"
    if isinstance(error, RecursionError):
        return "nested too deeply to be a conversation"
    return str(error.args[0]) if error.args else "unreadable"
