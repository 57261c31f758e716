"""Leases: shared inside a process, exclusive between processes, closed when idle, locked down."""

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

import lobass_core
from lobass_core.errors import ProjectError, StoreError, StoreLockedError
from lobass_core.project import Project
from lobass_core.store import connection
from lobass_core.store.opening import SETTINGS

WRITER = """
import sys
from pathlib import Path
from lobass_core.project import Project
project = Project.open(sys.argv[1])
with project.store() as store:
    for number in range(100_000):
        with store.transaction() as cursor:
            cursor.execute("INSERT INTO meta VALUES (?, ?)", [f"n{number}", "x" * 10_000])
        print(number, flush=True)
"""
HOLDER = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(60)"

# As a dashboard with busy tabs: somebody in it always has the store, and nobody for long.
TABS = """
import sys, threading, time
from lobass_core.project import Project
project = Project.open(sys.argv[1])
def tab(number):
    for turn in range(100_000):
        with project.store() as store, project.store():
            time.sleep(0.05)
        if number == 0:
            print(turn, flush=True)
for number in range(4):
    threading.Thread(target=tab, args=[number], daemon=True).start()
time.sleep(300)
"""


def number_of(mark: str) -> int:
    """The counter of a mark."""
    return int(mark.partition("-")[0])


@pytest.fixture
def holder(project):
    """Another process that holds the project's store."""
    connection.release(project.store_path)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(project.store_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_taken_store_names_the_process_that_holds_it(project, holder):
    told = []
    with (
        pytest.raises(StoreLockedError, match=f"PID {holder.pid}"),
        project.store(wait_seconds=0.3, on_wait=told.append),
    ):
        pass
    assert len(told) == 1
    assert str(holder.pid) in told[0]


@pytest.mark.slow
def test_who_asks_again_right_after_a_full_wait_is_told_at_once(project, holder):
    for wait_seconds, longest in ((0.5, 5.0), (30.0, 5.0)):
        began = time.monotonic()
        with pytest.raises(StoreLockedError), project.store(wait_seconds=wait_seconds):
            pass
        assert time.monotonic() - began < longest


def test_a_store_that_is_given_back_while_we_wait_is_ours(project, holder):
    threading.Timer(0.4, holder.kill).start()
    with project.store(wait_seconds=10) as store:
        assert number_of(store.revision()) == 1


@pytest.mark.slow
def test_whoever_waits_gets_the_store_between_the_blocks_of_busy_tabs(project):
    connection.release(project.store_path)
    tabs = subprocess.Popen([sys.executable, "-c", TABS, str(project.root)], stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(3):
            assert tabs.stdout.readline(), "the tabs stand still"
            with project.store() as store, store.transaction() as cursor:
                cursor.execute("INSERT INTO notes VALUES ('turn', 0, 'ours', 'now', '')")
            connection.release(project.store_path)
    finally:
        tabs.kill()
        tabs.wait()
        tabs.stdout.close()
    with project.store() as store:
        assert store.cursor().execute("SELECT count(*) FROM notes WHERE note_id = 'turn'").fetchone() == (3,)


def test_waits_are_announced_wherever_the_store_is_asked_for(project, holder):
    told = []
    connection.announce_waits(told.append)
    try:
        with pytest.raises(StoreLockedError), project.store(wait_seconds=0.2):
            pass
    finally:
        connection.announce_waits(None)
    assert len(told) == 1


def test_nested_leases_share_one_connection(project):
    with project.store() as outer, project.store() as inner:
        assert outer is inner


def test_an_idle_store_can_be_opened_by_another_process(project, monkeypatch):
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.05)
    with project.store():
        pass
    deadline = time.monotonic() + 10
    while True:
        done = subprocess.run(
            [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", str(project.store_path)],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0 or time.monotonic() > deadline:
            break
    assert done.returncode == 0, done.stderr


def test_threads_read_their_own_rows(project):
    with project.store() as store:
        with store.transaction() as cursor:
            cursor.execute("CREATE TABLE numbers AS SELECT range AS n FROM range(1000)")
        wrong = []

        def read(number: int) -> None:
            for _ in range(20):
                found = store.cursor().execute("SELECT n FROM numbers WHERE n = ?", [number]).fetchall()
                if found != [(number,)]:
                    wrong.append((number, found))

        threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_transaction_bumps_the_revision_and_a_failed_one_leaves_nothing(project):
    with project.store() as store:
        with store.transaction() as cursor:
            cursor.execute("INSERT INTO meta VALUES ('a', '1')")
        before = store.revision()
        assert number_of(before) == 2
        with pytest.raises(StoreError, match="reported an error"), store.transaction() as cursor:
            cursor.execute("INSERT INTO meta VALUES ('b', '1')")
            cursor.execute("SELECT * FROM no_such_table")
        assert store.revision() == before
        assert store.cursor().execute("SELECT count(*) FROM meta WHERE name = 'b'").fetchone() == (0,)


def test_a_transaction_inside_a_transaction_is_our_own_fault_and_said_at_once(project):
    with project.store() as store, store.transaction(), pytest.raises(AssertionError), store.transaction():
        pass


def test_threads_take_turns_writing(project):
    with project.store() as store:
        first = number_of(store.revision())

        def write() -> None:
            for _ in range(10):
                with store.transaction() as cursor:
                    cursor.execute("INSERT INTO notes VALUES ('x', 0, 'ours', 'now', '')")

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert number_of(store.revision()) == first + 40


def test_a_query_that_fails_while_reading_is_a_store_error(project):
    with pytest.raises(StoreError, match=r"the store reported an error: .*no_such_table"), project.store() as store:
        store.cursor().execute("SELECT * FROM no_such_table")


def test_a_table_can_be_read_after_a_half_read_result(project):
    with project.store() as store:
        cursor = store.cursor()
        cursor.execute("SELECT * FROM range(10)").fetchone()
        table = connection.read_table(cursor, "SELECT $n AS n", {"n": 7})
    assert table.to_pydict() == {"n": [7]}


@pytest.mark.slow
def test_a_killed_writer_loses_no_transaction_that_it_was_told_is_kept(project):
    connection.release(project.store_path)
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(project.root)], stdout=subprocess.PIPE, text=True
        ) as process:
            kept = [int(process.stdout.readline()) for _ in range(5)]
            process.kill()
            kept += [int(line) for line in process.stdout.read().splitlines()]
        with project.store() as store:
            names = {name for (name,) in store.cursor().execute("SELECT name FROM meta").fetchall()}
            assert {f"n{number}" for number in kept} <= names
            with store.transaction() as cursor:
                cursor.execute("DELETE FROM meta WHERE name LIKE 'n%'")
        connection.release(project.store_path)


def test_a_full_disk_is_said_in_words(project):
    with project.store() as store, pytest.raises(StoreError, match="the disk is full"), store.transaction():
        raise OSError(28, "No space left on device")


def test_sql_reaches_no_file_outside_the_project(project, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    with project.store() as store:
        with pytest.raises(duckdb.PermissionException):
            store.cursor().execute(f"SELECT * FROM read_csv('{outside}')").fetchall()
        with pytest.raises(duckdb.Error):
            store.cursor().execute("SET enable_external_access = true")


def test_every_connection_loads_and_fetches_nothing(project):
    """Each place that opens DuckDB passes the settings; the connection that a project uses has them and keeps them."""
    opening = [
        path.name
        for path in Path(lobass_core.__file__).parent.rglob("*.py")
        if "duckdb.connect(" in path.read_text(encoding="utf-8")
    ]
    assert opening == ["opening.py"]
    with project.store() as store:
        for name, value in SETTINGS.items():
            assert store.cursor().execute("SELECT current_setting(?)", [name]).fetchall() == [(value,)]
            with pytest.raises(duckdb.Error):
                store.cursor().execute(f"SET {name} = true")
        with pytest.raises(duckdb.Error):
            store.cursor().execute("INSTALL sqlite_scanner")
        leaked = [1, 2]  # noqa: F841
        for attached in ("http://127.0.0.1:9/a.duckdb", "other.duckdb"):
            with pytest.raises(duckdb.Error):
                store.cursor().execute(f"ATTACH '{attached}' AS other")
        with pytest.raises(duckdb.CatalogException):
            store.cursor().execute("SELECT * FROM leaked").fetchall()


def test_an_sqlite_file_is_refused_before_duckdb_sees_it(tmp_path, monkeypatch):
    folder = tmp_path / "p"
    folder.mkdir()
    with sqlite3.connect(folder / "store.duckdb") as other:
        other.execute("CREATE TABLE meta (name, value)")
    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: pytest.fail("DuckDB opened it"))

    with (
        pytest.raises(StoreError, match="the store cannot be opened: it is an SQLite database"),
        Project.open(folder).store(),
    ):
        pass


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 1000, b"PAR1" * 100, b"a,b\n1,2\n"])
def test_a_damaged_store_says_so(tmp_path, content):
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "store.duckdb").write_bytes(content)
    with pytest.raises(StoreError, match="the store cannot be opened"), Project.open(folder).store():
        pass


def test_another_programs_database_is_left_alone(tmp_path):
    folder = tmp_path / "p"
    folder.mkdir()
    with duckdb.connect(str(folder / "store.duckdb")) as foreign:
        foreign.execute("CREATE TABLE theirs (n INTEGER)")
    with pytest.raises(StoreError, match="not a LoBaSS store"), Project.open(folder).store():
        pass


def test_projects_are_made_once_and_only_in_empty_folders(tmp_path):
    made = Project.create(tmp_path / "p")
    assert {path.name for path in made.root.iterdir()} >= {"store.duckdb", "runs", "models", "exports"}
    with pytest.raises(ProjectError, match="a project already exists here"):
        Project.create(tmp_path / "p")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(ProjectError, match="not empty"):
        Project.create(tmp_path / "full")
    with pytest.raises(ProjectError, match="there is no project here"):
        Project.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('IO Error: Cannot open file "{}": Permission denied', "cannot be read: permission denied"),
        ('IO Error: Could not set lock on file "{}": No locks available', "cannot be locked: No locks"),
        ("Corrupt database file: computed checksum 1 does not match stored checksum 2", "lobass doctor --project"),
        ('IO Error: Could not write file "{}": No space left on device', "the disk is full"),
        ("IO Error: Trying to read a database file with storage version number 99, but ...", "newer DuckDB"),
    ],
)  # fmt: skip
def test_why_a_store_cannot_be_opened_is_said_in_words(project, monkeypatch, said, sentence):
    connection.release(project.store_path)

    def refuse(path: str, **_: object) -> None:
        raise duckdb.IOException(said.format(path))

    monkeypatch.setattr(connection.duckdb, "connect", refuse)
    with pytest.raises(StoreError, match=sentence), project.store():
        pass
