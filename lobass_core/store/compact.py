"""Give back the pages that deleted rows have left in the store's file.

DuckDB uses them again and never gives them back: CHECKPOINT and VACUUM leave the file as long as it is. So all tables
are copied into a new file, which takes the old one's place once both hold the same. The old file stays locked until
then: who waits for it opens the new one.
"""

import shutil
from pathlib import Path

import duckdb

from lobass_core.errors import StoreError
from lobass_core.files.atomic_file import put_in_place, unfinished_file
from lobass_core.store.connection import Store, release
from lobass_core.store.copies import SPACE_BYTES
from lobass_core.store.opening import connect, quoted


def free_bytes(store: Store) -> int:
    """Bytes of the store's file that hold nothing, as of its last checkpoint."""
    sql = "SELECT free_blocks * block_size FROM pragma_database_size()"
    ((n_bytes,),) = store.cursor().execute(sql).fetchall()
    return int(n_bytes)


def compact(path: Path) -> int:
    """Rewrite a checkpointed store without its free pages; returns the bytes given back.

    Raises:
        StoreError: it is in use, damaged, or the disk has no room for the new file; it is as it was then.
    """
    before = path.stat().st_size
    if shutil.disk_usage(path.parent).free < before + SPACE_BYTES:
        raise StoreError("the disk has no room for a second copy of the store", where=str(path), do="Free some space.")
    release(path)
    connection = connect(None)
    try:
        with unfinished_file(path) as unfinished:
            _copy(connection, path, unfinished)
            _take_place(unfinished, path)
    except (duckdb.Error, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StoreError(
            f"the store could not be compacted: {reason}", where=str(path), do="It was not changed."
        ) from error
    finally:
        # Until here nobody else can have opened the old file to write.
        connection.close()
    return before - path.stat().st_size


def _copy(connection: duckdb.DuckDBPyConnection, path: Path, new: Path) -> None:
    connection.execute(f"ATTACH '{quoted(path)}' AS old (READ_ONLY, TYPE DUCKDB)")
    if path.with_name(f"{path.name}.wal").exists():
        raise OSError("another process has written to it in the meantime")
    connection.execute(f"ATTACH '{quoted(new)}' AS new (TYPE DUCKDB)")
    connection.execute("COPY FROM DATABASE old TO new")
    tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'old'").fetchall()
    for (name,) in tables:
        sums = [_sum(connection, database, name) for database in ("old", "new")]
        if sums[0] != sums[1]:
            raise OSError(f"the copy of table {name} differs")
    connection.execute("DETACH new")


def _sum(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> tuple:
    return connection.execute(f'SELECT count(*), bit_xor(hash(t)) FROM {database}.main."{table}" t').fetchall()[0]


def _take_place(new: Path, path: Path) -> None:
    if new.with_name(f"{new.name}.wal").exists():
        raise OSError("the new file is incomplete")
    new.chmod(path.stat().st_mode & 0o7777)
    put_in_place(new, path)
