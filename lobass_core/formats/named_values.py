"""A value of a record by its name, and values as keys that compare between files."""

import re
from collections.abc import Mapping
from typing import Any

MISSING = object()
# How pandas writes the whole numbers of a column that has gaps.
_WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))\.0", re.ASCII)


def named_value(row: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """The value under that name, else under its parts inside each other, else the default.

    named_value({"scores": {"depth": 3}}, "scores.depth")     3
    """
    if name in row:
        return row[name]
    head, _, rest = name.partition(".")
    inner = row.get(head)
    return named_value(inner, rest, default) if rest and isinstance(inner, Mapping) else default


def key_text(value: Any) -> str:
    """A key as text: 17, 17.0, "17" and "17.0" are one; "" for what cannot be a key."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else ""
    text = str(value).strip() if isinstance(value, str | int) else ""
    whole = _WHOLE.fullmatch(text) if text.endswith(".0") else None
    return whole[1] if whole else text
