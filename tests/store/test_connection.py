"""Leases: shared inside a process, exclusive between processes, closed when idle, locked down."""

import subprocess
import sys
import threading
import time

import duckdb
import pytest

from lobass_core.errors import ProjectError, StoreError, StoreLockedError
from lobass_core.project import Project
from lobass_core.store import connection

HOLDER = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(60)"


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


def test_a_store_that_is_given_back_while_we_wait_is_ours(project, holder):
    threading.Timer(0.4, holder.kill).start()
    with project.store(wait_seconds=10) as store:
        assert store.revision() == 0


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
        assert store.revision() == 1
        with pytest.raises(StoreError, match="refused"), store.transaction() as cursor:
            cursor.execute("INSERT INTO meta VALUES ('b', '1')")
            cursor.execute("SELECT * FROM no_such_table")
        assert store.revision() == 1
        assert store.cursor().execute("SELECT count(*) FROM meta WHERE name = 'b'").fetchone() == (0,)


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


def test_a_store_of_a_newer_version_is_refused(project):
    with project.store() as store, store.transaction() as cursor:
        cursor.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    connection.release(project.store_path)
    with pytest.raises(StoreError, match="version 99"), project.store():
        pass


def test_projects_are_made_once_and_only_in_empty_folders(tmp_path):
    made = Project.create(tmp_path / "p")
    assert {path.name for path in made.root.iterdir()} >= {"store.duckdb", "runs", "models", "exports"}
    with pytest.raises(ProjectError, match="there is a project already"):
        Project.create(tmp_path / "p")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(ProjectError, match="not empty"):
        Project.create(tmp_path / "full")
    with pytest.raises(ProjectError, match="there is no project here"):
        Project.open(tmp_path / "nowhere")
