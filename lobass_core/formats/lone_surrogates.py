r"""Unpaired surrogates: halves of a character that a crawler cut ("\ud83d"), which no UTF-8 file can hold."""

import re
from typing import Any

REPLACEMENT = "\ufffd"

_HIGH, _LOW = "[89abAB][0-9a-fA-F]{2}", "[c-fC-F][0-9a-fA-F]{2}"
# A high half without a low one after it, or a low one without a high one before it, as JSON escapes write them. It
# begins with a literal, which makes the search 8 times faster.
_LONE_ESCAPE = re.compile(rf"\\u[dD](?:{_HIGH}(?!\\u[dD]{_LOW})|(?<!\\u[dD]{_HIGH}\\u[dD]){_LOW})")
_SURROGATE = re.compile("[\ud800-\udfff]")


def may_hold_lone(source: str) -> bool:
    """Whether the JSON text may hold an unpaired surrogate; an escaped backslash before the u is taken for one too."""
    if "\\ud" in source or "\\uD" in source:
        return _LONE_ESCAPE.search(source) is not None
    return False


def without_lone(value: Any) -> tuple[Any, int]:
    """The value with U+FFFD for each unpaired surrogate in its texts and keys, and their number.

    Raises:
        ValueError: two keys of an object are equal then.
    """
    if isinstance(value, str):
        return _SURROGATE.subn(REPLACEMENT, value)
    if isinstance(value, list):
        items = [without_lone(item) for item in value]
        return [item for item, _ in items], sum(n for _, n in items)
    if isinstance(value, dict):
        pairs = [(without_lone(key), without_lone(item)) for key, item in value.items()]
        row = {key: item for (key, _), (item, _) in pairs}
        if len(row) != len(value):
            raise ValueError("two keys are equal once their unpaired surrogates are replaced")
        return row, sum(n_key + n_item for (_, n_key), (_, n_item) in pairs)
    return value, 0
