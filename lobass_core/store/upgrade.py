"""Make a new store, or bring one of an older version to this one; a copy of it is kept beside it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lobass_core.errors import ReadOnlyError, StoreError
from lobass_core.store.access import damaged_error, read_only_error
from lobass_core.store.copies import check_space, copy_store
from lobass_core.store.migrations import SCHEMA_VERSION, apply_steps
from lobass_core.store.schema import FIRST_TABLES
from lobass_core.words.clock import utc_now

Tell = Callable[[str], None]

PURPOSE = "the store must be updated to this version of LoBaSS"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One update of the store to a newer version; `copy` is the file that holds what it was before, unless removed."""

    from_version: int
    to_version: int
    made_at: str
    copy: Path
    notes: tuple[str, ...]


def prepare(connection: duckdb.DuckDBPyConnection, path: Path, tell: Tell, *, read_only: bool = False) -> None:
    """Make the tables of an empty store; bring an older one to this version. `tell` hears of it in sentences.

    Raises:
        ReadOnlyError: one of these would have to be done, and the store may not be written.
        StoreError: a newer program made the store, its version is unreadable, it is not a LoBaSS store, or it could not
            be updated: it then is as it was.
    """
    tables = {name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    if not tables and read_only:
        raise read_only_error(path)
    if not tables:
        with _whole(connection):
            connection.execute(FIRST_TABLES)
            apply_steps(connection, path.parent, 1)
        return
    version = _version(connection, tables, path)
    if version < SCHEMA_VERSION and read_only:
        raise ReadOnlyError(
            f"the project is read-only, and its store must be updated from version {version} to {SCHEMA_VERSION} "
            "before it can be read",
            where=str(path.parent),
            do="Open it once with write access, or copy it to a place where you can write.",
        )
    if version < SCHEMA_VERSION:
        _upgrade(connection, path, version, tell)


def list_upgrades(cursor: duckdb.DuckDBPyConnection, folder: Path) -> list[Upgrade]:
    """The updates of the store of the project in that folder, latest first."""
    rows = cursor.execute("SELECT * FROM upgrades ORDER BY made_at DESC, to_version DESC").fetchall()
    return [Upgrade(row[0], row[1], row[2], folder / row[3], tuple(json.loads(row[4]))) for row in rows]


def _version(connection: duckdb.DuckDBPyConnection, tables: set[str], path: Path) -> int:
    if "meta" not in tables:
        raise StoreError("the database is not a LoBaSS store", where=str(path), do="Use another folder.")
    rows = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchall()
    text = str(rows[0][0]) if len(rows) == 1 else ""
    version = int(text) if text.isascii() and text.isdecimal() else 0
    if version < 1:
        said = f"the store has an invalid version ({text!r})"
        raise damaged_error(path, said if text else "the store has no version")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"a newer version of LoBaSS made this store: it has version {version}; this program reads up to "
            f"{SCHEMA_VERSION}",
            where=str(path),
            do="Update LoBaSS, or open the copy that the newer program kept next to the store.",
        )
    return version


def _upgrade(connection: duckdb.DuckDBPyConnection, path: Path, version: int, tell: Tell) -> None:
    # What stands in the log beside the store belongs into the copy.
    connection.execute("CHECKPOINT")
    check_space(path, PURPOSE)
    copy = copy_store(path, f"v{version}", PURPOSE)
    tell(f"Updating the project's store from version {version} to {SCHEMA_VERSION}. A copy of it is kept: {copy}")
    try:
        with _whole(connection):
            notes = apply_steps(connection, path.parent, version)
            connection.execute(
                "INSERT INTO upgrades VALUES (?, ?, ?, ?, ?)",
                [version, SCHEMA_VERSION, utc_now(), copy.name, json.dumps(notes)],
            )
    except BaseException as error:
        copy.unlink(missing_ok=True)
        if isinstance(error, duckdb.Error | OSError):
            raise _refused(error, path, version) from error
        raise
    for note in notes:
        tell(note)


@contextmanager
def _whole(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One transaction: all of the block, or nothing of it."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A failed COMMIT has already ended the transaction; its error is the one to tell.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def _refused(error: BaseException, path: Path, version: int) -> StoreError:
    return StoreError(
        f"the store could not be updated from version {version} to {SCHEMA_VERSION}: {str(error).splitlines()[0]}",
        where=str(path),
        do="It was not changed. Free some space or fix the problem, and try again.",
    )
