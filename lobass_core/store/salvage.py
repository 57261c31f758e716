"""What can be read of a damaged store, copied into a new one.

DuckDB checks each block that it reads, so that a flipped bit costs the rows of one block and not the file. Tables are
copied whole where that works, else in pieces, down to the smallest that are read at once.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lobass_core.files.atomic_file import put_in_place, unfinished_file
from lobass_core.store.connection import release
from lobass_core.store.copies import free_name
from lobass_core.store.migrations import SCHEMA_VERSION, STEPS
from lobass_core.store.opening import connect, quoted
from lobass_core.store.schema import FIRST_TABLES
from lobass_core.store.sequences import given_out, has_sequences, raise_sequences

# Rows of a row group, and of the vectors that it is read by.
PIECES = (122_880, 2_048)
# Written again from what the run folders say when a run is added to a store.
REGISTERED = (
    "scorings", "loss_columns", "scoring_runs", "refinements", "models", "reference_models", "reference_folds",
    "reference_training", "registered_runs", "collected_runs",
)  # fmt: skip
# Read again whatever became of them: losses from shards, samples from the records of rows.
REBUILT = (*REGISTERED, "losses", "ingested_shards", "samples")


@dataclass(frozen=True, slots=True)
class DamagedTable:
    """A table of which some rows cannot be read; `n_rows` None where nobody knows how many there were."""

    name: str
    n_rows: int | None
    n_lost: int | None


def damaged_tables(path: Path) -> list[DamagedTable] | None:
    """The tables of a store that cannot be read whole, each block once; None where the file does not open at all."""
    try:
        with _attached(path) as connection:
            names = _tables(connection)
            return [table for name in names if (table := _look(connection, name))]
    except duckdb.Error:
        return None


def salvage(path: Path, project_id: str, instead: Path | None = None) -> tuple[Path, list[DamagedTable] | None]:
    """Put a new store in the place of a damaged one, with all that can be read of it; it is kept beside the new one.

    Returns where it is kept, and what was lost; None where nothing could be read: the new store then is a copy of
    `instead`, else empty. `project_id` is what the new store is given where the old one does not say it.
    """
    release(path)
    kept = free_name(path, "damaged")
    with unfinished_file(path) as unfinished:
        unfinished.unlink(missing_ok=True)
        try:
            lost = _copy_all(path, unfinished)
        except duckdb.Error:
            lost = None
        if lost is None:
            unfinished.unlink(missing_ok=True)
            if instead:
                shutil.copyfile(instead, unfinished)
            else:
                _make_empty(unfinished, SCHEMA_VERSION)
                _name_project(unfinished, project_id)
        _exchange(path, unfinished, kept)
    return kept, lost


def _exchange(path: Path, new: Path, kept: Path) -> None:
    """Let the new file take the place of the old one, which gets another name; there is a store at every moment."""
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        log.rename(kept.with_name(f"{kept.name}.wal"))
    try:
        kept.hardlink_to(path)
    except OSError:  # the file system has no links
        path.rename(kept)
    put_in_place(new, path)


def _look(connection: duckdb.DuckDBPyConnection, name: str) -> DamagedTable | None:
    with suppress(duckdb.Error):
        connection.execute(f"SELECT max(hash(t)) FROM old.main.{name} t").fetchall()
        return None
    n_rows = _n_rows(connection, name)
    if n_rows is None:
        return DamagedTable(name, None, None)
    n_lost = sum(
        n for _, n, is_whole in _pieces(connection, name, f"SELECT max(hash(t)) FROM old.main.{name} t") if not is_whole
    )
    return DamagedTable(name, n_rows, n_lost)


def _copy_all(path: Path, new: Path) -> list[DamagedTable] | None:
    """Copy every table; None where the old store does not say what it holds."""
    with _attached(path) as connection:
        version = _version(connection)
        names = _tables(connection)
    if version is None:
        return None
    _make_empty(new, version)
    lost: list[DamagedTable] = []
    while names:
        # A new connection after each damaged table: an error may leave one unusable.
        with _attached(path, new) as connection:
            table = None
            while names and not table:
                table = _copy(connection, names.pop(0))
        lost += [table] if table else []
    if any(table.name in REGISTERED for table in lost):
        _forget_runs(new)
    _go_on_counting(path, new)
    return lost


def _go_on_counting(path: Path, new: Path) -> None:
    """Let no id be given out that the old store gave to anything, as far as it can be told."""
    with _attached(path, new) as connection:
        if has_sequences(connection):
            raise_sequences(connection, given_out(connection, "old"))


def _forget_runs(new: Path) -> None:
    """Let every run be added to the store again; what is there of it already stays."""
    with closing(connect(new)) as connection:
        for name in ("registered_runs", "collected_runs"):
            connection.execute(f"DELETE FROM {name}")


def _copy(connection: duckdb.DuckDBPyConnection, name: str) -> DamagedTable | None:
    columns = ", ".join(row[0] for row in connection.execute(f"DESCRIBE main.{name}").fetchall())
    insert = f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM old.main.{name}"
    connection.execute(f"DELETE FROM main.{name}")
    with suppress(duckdb.Error):
        connection.execute(insert)
        return None
    n_rows = _n_rows(connection, name)
    if n_rows is None:
        return DamagedTable(name, None, None)
    n_lost = sum(n for _, n, is_whole in _pieces(connection, name, insert) if not is_whole)
    return DamagedTable(name, n_rows, n_lost)


def _pieces(connection: duckdb.DuckDBPyConnection, name: str, statement: str) -> Iterator[tuple[int, int, bool]]:
    """Run a statement over all rows of a table in pieces: (first row, number of rows, whether it worked)."""
    large, small = PIECES
    for first in range(0, _end(connection, name), large):
        if _works(connection, statement, first, large):
            yield first, large, True
            continue
        for start in range(first, first + large, small):
            n_rows = _n_between(connection, name, start, small)
            if n_rows:
                yield start, n_rows, _works(connection, statement, start, small)


def _works(connection: duckdb.DuckDBPyConnection, statement: str, first: int, n: int) -> bool:
    try:
        connection.execute(f"{statement} WHERE rowid >= {first} AND rowid < {first + n}").fetchall()
    except duckdb.Error:
        return False
    return True


def _end(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    ((last,),) = connection.execute(f"SELECT coalesce(max(rowid), -1) FROM old.main.{name}").fetchall()
    return int(last) + 1


def _n_between(connection: duckdb.DuckDBPyConnection, name: str, first: int, n: int) -> int:
    sql = f"SELECT count(*) FROM old.main.{name} WHERE rowid >= {first} AND rowid < {first + n}"
    return int(connection.execute(sql).fetchall()[0][0])


def _n_rows(connection: duckdb.DuckDBPyConnection, name: str) -> int | None:
    with suppress(duckdb.Error):
        return int(connection.execute(f"SELECT count(*) FROM old.main.{name}").fetchall()[0][0])
    return None


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The old store's tables that this program knows; their names then need no quoting."""
    known = {name for (name,) in _known().execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'old'").fetchall()
    return sorted(name for (name,) in tables if name in known)


def _known() -> duckdb.DuckDBPyConnection:
    connection = connect(None)
    _make_tables(connection, SCHEMA_VERSION)
    return connection


def _version(connection: duckdb.DuckDBPyConnection) -> int | None:
    with suppress(duckdb.Error, ValueError):
        rows = connection.execute("SELECT value FROM old.main.meta WHERE name = 'schema_version'").fetchall()
        version = int(rows[0][0]) if len(rows) == 1 else 0
        return version if 1 <= version <= SCHEMA_VERSION else None
    return None


def _make_empty(path: Path, version: int) -> None:
    with closing(connect(path)) as connection:
        _make_tables(connection, version)


def _make_tables(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    connection.execute(FIRST_TABLES)
    for step in STEPS[: version - 1]:
        step.apply(connection, Path("no project"))
    connection.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", [str(version)])


def _name_project(path: Path, project_id: str) -> None:
    """Let the runs beside a store that has forgotten which project it is go on being its own."""
    with closing(connect(path)) as connection:
        if project_id:
            connection.execute("UPDATE meta SET value = ? WHERE name = 'project_id'", [project_id])


@contextmanager
def _attached(path: Path, new: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The new store, or none, with the old one as `old`, which is only read."""
    connection = connect(new)
    try:
        connection.execute(f"ATTACH '{quoted(path)}' AS old (READ_ONLY, TYPE DUCKDB)")
        yield connection
    finally:
        connection.close()
