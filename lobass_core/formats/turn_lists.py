"""The ways in which files keep a list of turns: as a list, as JSON text or Python's repr in a cell, as columns."""

import ast
import re
from typing import Any

from lobass_core.formats.lone_surrogates import without_lone
from lobass_core.formats.raw_records import decode_line
from lobass_core.formats.row_errors import RowError

ROLE_KEYS = ("role", "from")
CONTENT_KEYS = ("content", "value", "text")
# ast.literal_eval takes up to 320 times the text's size in memory (measured on many small dicts).
MAX_LITERAL_CHARS = 1_000_000
# NumPy writes no comma between the elements of an array. A string of a repr holds no raw line end.
_NO_COMMA = re.compile(r"\}\s*\n\s*\{")


def is_turn(value: Any) -> bool:
    """Whether the value looks like one message: an object with a role."""
    return isinstance(value, dict) and any(key in value for key in ROLE_KEYS)


def is_turn_list(value: Any) -> bool:
    """Whether the value may be a conversation in one of the ways that `turn_list` reads; cheap, by its first look."""
    if isinstance(value, list):
        return True
    if isinstance(value, str):
        return value.lstrip()[:2] in ("[{", "[]")
    return isinstance(value, dict) and any(isinstance(value.get(key), list) for key in ROLE_KEYS)


def turn_list(value: Any, what: str) -> list:
    """The list of messages that the value is or holds; the messages themselves are not looked at.

    Raises:
        RowError: it is none of the ways above; `what` names the place.
    """
    if isinstance(value, list):
        return value
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        return _from_text(value, what)
    if isinstance(value, dict) and any(isinstance(value.get(key), list) for key in ROLE_KEYS):
        return _from_columns(value, what)
    raise RowError(f"{what} is not a list of turns")


def _from_text(text: str, what: str) -> list:
    try:
        value = decode_line(text)
    except (ValueError, RecursionError):
        value = literal(text)
    if not isinstance(value, list):
        raise RowError(f"{what} is text that is neither a JSON list nor Python's repr of one")
    return value


def literal(text: str) -> Any:
    """The value that Python's repr of plain data spells (nothing is run); None where it is none."""
    if len(text) > MAX_LITERAL_CHARS:
        return None
    for spelled in (text, _NO_COMMA.sub("}, {", text)):
        try:
            value = ast.literal_eval(spelled.strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        return without_lone(_json_values(value))[0]
    return None


def _json_values(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_values(item) for item in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _from_columns(columns: dict[str, Any], what: str) -> list:
    """{"from": [a, b], "value": [c, d]} as [{"from": a, "value": c}, {"from": b, "value": d}]."""
    lists = {key: value for key, value in columns.items() if isinstance(value, list)}
    if len({len(value) for value in lists.values()}) != 1:
        lengths = ", ".join(f"{len(value)} of {key}" for key, value in lists.items())
        raise RowError(f"{what} has its turns in columns of different lengths: {lengths}")
    keys = list(lists)
    # A key that is null in a turn of such a table is absent in it.
    return [
        {key: value for key, value in zip(keys, values, strict=True) if value is not None or key in CONTENT_KEYS}
        for values in zip(*lists.values(), strict=True)
    ]
