"""Open a project's database: wait for who holds it, bring it up to date, and let SQL reach nothing but the project."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import duckdb

from lobass_core.errors import StoreLockedError
from lobass_core.jobs.former_places import keep_place
from lobass_core.store.access import may_write
from lobass_core.store.database_errors import cannot_open, holder_of
from lobass_core.store.file_kind import check_kind
from lobass_core.store.turns import RETRY_SECONDS, ask_for, has_come
from lobass_core.store.upgrade import prepare

OnWait = Callable[[str], None]
OnUpgrade = Callable[[str], None]

# What DuckDB is told before it opens the file: it loads no extension and fetches none, reads no secrets of the user's,
# and a name in a query is a table, never a variable of Python's.
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
}
# What DuckDB may hold in memory before it spills to disk: a dashboard over a million rows stays under 2 GB in all.
MEMORY_LIMIT = "1GB"


def open_database(
    path: Path, wait_seconds: float, on_wait: OnWait | None, on_upgrade: OnUpgrade
) -> tuple[duckdb.DuckDBPyConnection, bool]:
    """A connection to a project's store, and whether it can only be read.

    One that may not be written is opened to be read; what DuckDB spills then goes to the system's own folder.

    Raises:
        StoreLockedError: another process still holds it after `wait_seconds`.
        StoreError: the file is damaged, or of a newer version.
    """
    read_only = not may_write(path)
    connection = _connect(path, read_only, wait_seconds, on_wait)
    try:
        if read_only:
            connection.execute(
                f"SET temp_directory = '{quoted(Path(tempfile.gettempdir()) / f'lobass-{uuid4().hex}')}'"
            )
        prepare(connection, path, on_upgrade, read_only=read_only)
        if not read_only:
            keep_place(path.parent)
        _lock_down(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, duckdb.Error):
            raise cannot_open(error, path) from error
        raise
    return connection, read_only


def _connect(path: Path, read_only: bool, wait_seconds: float, on_wait: OnWait | None) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            check_kind(path)
            connection = connect(path, read_only=read_only)
            has_come(path)
            return connection
        except duckdb.Error as error:
            holder = holder_of(str(error))
            if holder is None:
                raise cannot_open(error, path) from error
            if time.monotonic() > deadline:
                raise StoreLockedError(
                    "the project's store is in use",
                    where=holder,
                    do="Try again when that process has finished, or stop it.",
                ) from error
        if on_wait and not told:
            on_wait(holder)
            told = True
        ask_for(path)
        time.sleep(RETRY_SECONDS)


def connect(path: Path | None, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A bare connection to a file, or to none, with the settings that hold for all; a project's store is leased."""
    place = str(path) if path else ":memory:"
    return duckdb.connect(place, read_only=read_only, config={"memory_limit": MEMORY_LIMIT, **SETTINGS})


def _lock_down(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    # Whatever a sample's text manages to say, SQL reaches no file outside the project and no network.
    connection.execute(f"SET allowed_directories = ['{quoted(path.parent)}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def quoted(path: Path) -> str:
    """The path as it stands between single quotes in SQL."""
    return str(path).replace("'", "''")
