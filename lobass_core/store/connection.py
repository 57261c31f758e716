"""Lease the project's database on demand and give it back soon, so that several programs can take turns."""

import atexit
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from lobass_core.errors import StoreLockedError
from lobass_core.store.access import read_only_error
from lobass_core.store.database_errors import is_full, store_error
from lobass_core.store.opening import OnUpgrade, OnWait, open_database
from lobass_core.store.turns import is_asked_for, let_in
from lobass_core.store.versions import content_of, raise_revision, revision_of

# Opening a 1.5 GB store takes 13 ms: giving it back after a pause costs nothing and lets others in.
IDLE_SECONDS = 2.0
WAIT_SECONDS = 10.0
# Longest that a block of ours waits for the others of this process to end, so that another program gets its turn.
YIELD_SECONDS = 1.0
# A page asks for the store several times over: once refused after a full wait, the next to ask is told at once.
REFUSAL_SECONDS = 5.0
_announcer: OnWait | None = None
_upgrade_announcer: OnUpgrade | None = None


def announce_waits(on_wait: OnWait | None) -> None:
    """Have every wait for a store told to `on_wait`, with who holds it, unless the `lease` has its own."""
    global _announcer
    _announcer = on_wait


def announce_upgrades(on_upgrade: OnUpgrade | None) -> None:
    """Have every update of an older store told to `on_upgrade`, in sentences; the store keeps a log of them too."""
    global _upgrade_announcer
    _upgrade_announcer = on_upgrade


class Store:
    """An open database. Every read takes its own cursor: a connection shared by threads returns wrong rows."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._connection = connection
        self._writing = threading.Lock()
        self._writer: int | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of its own for one piece of work."""
        return self._connection.cursor()

    def revision(self) -> str:
        """Changes with every write, and never back; see `store/versions.py`."""
        return revision_of(self.cursor())

    def content(self) -> str:
        """Changes with what rows and losses there are, and never back; a decision leaves it as it is."""
        return content_of(self.cursor())

    def require_writable(self) -> None:
        """Raises ReadOnlyError where the project can only be read."""
        if self.read_only:
            raise read_only_error(self.path)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One write, whole or not at all; bumps the revision. Threads take turns; blocks do not nest.

        Raises:
            ReadOnlyError: the project can only be read.
            StoreError: the disk is full or the database refused.
        """
        self.require_writable()
        assert self._writer != threading.get_ident(), "a transaction inside a transaction would wait for itself"
        with self._writing:
            self._writer = threading.get_ident()
            cursor = self.cursor()
            cursor.execute("BEGIN TRANSACTION")
            try:
                yield cursor
                raise_revision(cursor)
                cursor.execute("COMMIT")
            except BaseException as error:
                _roll_back(cursor)
                if isinstance(error, duckdb.Error) or is_full(error):
                    raise store_error(error, self.path) from error
                raise
            finally:
                self._writer = None
                cursor.close()

    def checkpoint(self) -> None:
        """Bring all of it into the file itself, for a copy; pages that are free at its end are given back.

        Raises:
            ReadOnlyError: the project can only be read.
            StoreError: another thread is writing, or the disk is full.
        """
        self.require_writable()
        try:
            self.cursor().execute("CHECKPOINT")
        except duckdb.Error as error:
            raise store_error(error, self.path) from error

    def close(self) -> None:
        self._connection.close()


def read_table(cursor: duckdb.DuckDBPyConnection, sql: str, values: dict | list | None = None) -> pa.Table:
    """The result of a query as an Arrow table, without the extra copy that a DB-API result makes."""
    cursor.complete()  # a fetchone() before this leaves its result half read, and DuckDB refuses another query then
    relation = cursor.sql(sql, params=values)
    assert relation is not None, "the statement is not a query"
    return relation.to_arrow_table()


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        # A failed COMMIT has already ended the transaction.
        return


class _Lease:
    """One process' hold on one database file, counted, closed when nobody has used it for a while or another waits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.unused = threading.Condition(self.lock)
        self.store: Store | None = None
        self.n_users = 0
        self.n_mine = threading.local()
        self.timer: threading.Timer | None = None
        self.refused_at = -REFUSAL_SECONDS

    def take(self, wait_seconds: float, on_wait: OnWait | None) -> Store:
        # A block inside a block must not wait for the outer one.
        if not self._mine() and is_asked_for(self.path):
            self._make_way()
        with self.lock:
            if self.timer:
                self.timer.cancel()
                self.timer = None
            if self.store is None:
                self.store = self._open(wait_seconds, on_wait)
            self.n_users += 1
            self.n_mine.count = self._mine() + 1
            return self.store

    def _mine(self) -> int:
        return getattr(self.n_mine, "count", 0)

    def _make_way(self) -> None:
        with self.lock:
            is_free = self.unused.wait_for(lambda: self.n_users == 0, YIELD_SECONDS)
            self.close_if_idle()
        if is_free:
            let_in(self.path)

    def _open(self, wait_seconds: float, on_wait: OnWait | None) -> Store:
        if time.monotonic() - self.refused_at < REFUSAL_SECONDS:
            wait_seconds = 0.0
        try:
            connection, read_only = open_database(
                self.path, wait_seconds, on_wait, _upgrade_announcer or (lambda _: None)
            )
        except StoreLockedError:
            if wait_seconds:
                self.refused_at = time.monotonic()
            raise
        return Store(self.path, connection, read_only=read_only)

    def give_back(self) -> None:
        with self.lock:
            self.n_users -= 1
            self.n_mine.count = self._mine() - 1
            if self.n_users:
                return
            self.unused.notify_all()
            if is_asked_for(self.path):
                self.close_if_idle()
                return
            self.timer = threading.Timer(IDLE_SECONDS, self.close_if_idle)
            self.timer.daemon = True
            self.timer.start()

    def close_if_idle(self) -> None:
        with self.lock:
            if self.n_users == 0 and self.store is not None:
                self.store.close()
                self.store = None


_leases: dict[Path, _Lease] = {}
_leases_lock = threading.Lock()


@contextmanager
def lease(path: Path, *, wait_seconds: float = WAIT_SECONDS, on_wait: OnWait | None = None) -> Iterator[Store]:
    """Hold the database for the length of the block; nested and concurrent blocks of one process share it.

    `on_wait` is told, once, who holds it while we wait.

    One that may not be written is read all the same, and refuses every transaction.

    Raises:
        StoreLockedError: another process still holds it after `wait_seconds`.
        StoreError: the file is damaged, or of a newer version, or the database refused a statement in the block.
    """
    path = path.resolve()
    with _leases_lock:
        held = _leases.setdefault(path, _Lease(path))
    store = held.take(wait_seconds, on_wait or _announcer)
    try:
        yield store
    except duckdb.Error as error:
        raise store_error(error, path) from error
    finally:
        held.give_back()


def release(path: Path) -> None:
    """Close the database now if nobody in this process is using it."""
    held = _leases.get(path.resolve())
    if held:
        held.close_if_idle()


@atexit.register
def _release_all() -> None:
    for held in list(_leases.values()):
        if held.timer:
            # A thread still asleep at exit keeps DuckDB's types alive, and DuckDB complains about that at length.
            held.timer.cancel()
            held.timer.join()
        held.close_if_idle()
