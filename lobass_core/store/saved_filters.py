"""Filters of the Browse page under names, each kept as the query of its address."""

from dataclasses import asdict, dataclass

import duckdb

from lobass_core.errors import RequestError
from lobass_core.words.clock import utc_now

SAVED_FILTERS = "CREATE TABLE saved_filters (name VARCHAR, query VARCHAR, made_at VARCHAR);"
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """One saved filter; `query` is the part of an address after its question mark."""

    name: str
    query: str
    made_at: str

    def to_dict(self) -> dict:
        return asdict(self)


def list_filters(cursor: duckdb.DuckDBPyConnection) -> list[SavedFilter]:
    """Saved filters by name."""
    rows = cursor.execute("SELECT name, query, made_at FROM saved_filters ORDER BY lower(name), name").fetchall()
    return [SavedFilter(*row) for row in rows]


def find_filter(cursor: duckdb.DuckDBPyConnection, name: str) -> SavedFilter:
    """The filter of that name.

    Raises:
        RequestError: there is none; the message lists those there are.
    """
    row = cursor.execute("SELECT name, query, made_at FROM saved_filters WHERE name = ?", [name]).fetchone()
    if row is None:
        names = ", ".join(saved.name for saved in list_filters(cursor))
        raise RequestError(
            f"there is no saved filter {name!r}",
            do=f"The saved filters are {names}." if names else "Save one: lobass browse ... --save NAME.",
        )
    return SavedFilter(*row)


def save_filter(cursor: duckdb.DuckDBPyConnection, name: str, query: str, *, replace: bool = False) -> None:
    """Save a filter under a name.

    Raises:
        RequestError: the name is empty or too long, or taken and `replace` is not asked.
    """
    _check_name(name)
    if _is_taken(cursor, name):
        if not replace:
            raise RequestError(
                f"a saved filter {name!r} already exists", do="Use another name, or replace that filter."
            )
        cursor.execute("DELETE FROM saved_filters WHERE name = ?", [name])
    cursor.execute("INSERT INTO saved_filters VALUES (?, ?, ?)", [name, query, utc_now()])


def rename_filter(cursor: duckdb.DuckDBPyConnection, name: str, new_name: str) -> None:
    """Give a filter another name.

    Raises:
        RequestError: there is no such filter, or the new name is empty, too long or taken.
    """
    find_filter(cursor, name)
    _check_name(new_name)
    if new_name != name and _is_taken(cursor, new_name):
        raise RequestError(f"a saved filter {new_name!r} already exists", do="Use another name.")
    cursor.execute("UPDATE saved_filters SET name = ? WHERE name = ?", [new_name, name])


def delete_filter(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """Delete a filter; the rows and decisions stay.

    Raises:
        RequestError: there is no such filter.
    """
    find_filter(cursor, name)
    cursor.execute("DELETE FROM saved_filters WHERE name = ?", [name])


def _is_taken(cursor: duckdb.DuckDBPyConnection, name: str) -> bool:
    return cursor.execute("SELECT 1 FROM saved_filters WHERE name = ?", [name]).fetchone() is not None


def _check_name(name: str) -> None:
    if not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise RequestError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of a filter",
            do=f"Use 1 to {LONGEST_NAME} characters on one line.",
        )
