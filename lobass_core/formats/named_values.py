"""A value of a record by its name, and values as keys that compare between files."""

from collections.abc import Mapping
from typing import Any

MISSING = object()


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
    """A key as text: 17, 17.0 and "17" are one; "" for what cannot be a key."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else ""
    return str(value).strip() if isinstance(value, str | int) else ""
