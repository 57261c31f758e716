"""Marks of what the store holds: caches are kept under them, so a mark that has changed never comes back.

    revision   changes with every write
    content    changes with what rows and losses are: import, removal, ingest, refinement, migration; never a decision

A mark is a counter, for people, and a random part: the counter alone starts again in a project that is made again in
the same folder, and goes back in a store that is restored from a copy.
"""

import secrets

import duckdb

FIRST_CONTENT = "INSERT INTO meta VALUES ('content', '0')"


def revision_of(cursor: duckdb.DuckDBPyConnection) -> str:
    """The mark of everything in the store."""
    return _mark(cursor, "revision")


def content_of(cursor: duckdb.DuckDBPyConnection) -> str:
    """The mark of rows and losses."""
    return _mark(cursor, "content")


def raise_revision(cursor: duckdb.DuckDBPyConnection) -> None:
    """Count up the revision; every transaction does."""
    _raise(cursor, "revision")


def raise_content(cursor: duckdb.DuckDBPyConnection) -> None:
    """Count up the content; whatever changes rows, samples, losses or which of them count does."""
    _raise(cursor, "content")


def _mark(cursor: duckdb.DuckDBPyConnection, name: str) -> str:
    ((value,),) = cursor.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchall()
    return str(value)


def _raise(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    number = int(_mark(cursor, name).partition("-")[0])
    cursor.execute("UPDATE meta SET value = ? WHERE name = ?", [f"{number + 1}-{secrets.token_hex(4)}", name])
