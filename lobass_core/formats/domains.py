"""The domain that a record names by itself: by a rule about one of its columns, or by a column that holds it."""

from collections.abc import Iterable
from typing import Any

# A domain is a kind of data. A column with more values than this is something else: an id, a title.
MAX_DOMAINS = 500


def named_domain(row: dict[str, Any], column: str, rules: Iterable[tuple[str, str, str]]) -> str:
    """The domain of the first (column, value, domain) rule that fits, else the text of `column`; "" for neither."""
    for place, value, domain in rules:
        if place in row and cell_text(row[place]) == value:
            return domain
    return cell_text(row.get(column)) if column else ""


def cell_text(value: Any) -> str:
    """A value that can name something, as text; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()
