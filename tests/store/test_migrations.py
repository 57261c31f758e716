"""A store grows old: it is copied, brought to this version whole or not at all, and nothing in it is lost."""

import hashlib
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import duckdb
import pytest

from lobass_core.errors import StoreError
from lobass_core.project import Project
from lobass_core.store import connection, migrations
from lobass_core.store.migrations import SCHEMA_VERSION, STEPS
from lobass_core.store.upgrade import list_upgrades
from tests.store.old_projects import unpack

KILLED_IN_A_STEP = """
import os, signal, sys
from pathlib import Path
from lobass_core.project import Project
from lobass_core.store import migrations
from lobass_core.store.migrations import STEPS, Step
def die(cursor, folder):
    cursor.execute("DELETE FROM decisions")
    os.kill(os.getpid(), signal.SIGKILL)
migrations.STEPS = (*STEPS, Step("the last", die))
with Project(Path(sys.argv[1])).store():
    pass
"""


@pytest.fixture
def old(tmp_path: Path):
    """A project of version 1, not opened yet."""
    project, _ = unpack("project-v1", tmp_path / "old")
    yield project
    connection.release(project.store_path)


def tables_of(path: Path) -> dict[str, list]:
    """Every table of a store with its columns and their types."""
    with duckdb.connect(str(path), read_only=True) as found:
        columns = found.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY ALL"
        ).fetchall()
    tables: dict[str, list] = {}
    for table, *column in columns:
        tables.setdefault(table, []).append(tuple(column))
    return tables


def content_of(path: Path) -> dict[str, list]:
    """Every row of every table."""
    names = tables_of(path)
    with duckdb.connect(str(path), read_only=True) as found:
        return {name: found.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}


def copies(project: Project) -> list[str]:
    return sorted(path.name for path in project.root.iterdir() if path.name.startswith((".store", "store-")))


def test_a_migrated_store_has_the_tables_of_a_new_one(old: Project, project: Project):
    for one in (old, project):
        with one.store():
            pass
        connection.release(one.store_path)
    assert tables_of(old.store_path) == tables_of(project.store_path)


def test_the_copy_is_the_store_as_it_was_and_is_told_and_logged(old: Project):
    before, told = content_of(old.store_path), []
    connection.announce_upgrades(told.append)
    try:
        with old.store() as store:
            (logged,) = list_upgrades(store.cursor(), old.root)
    finally:
        connection.announce_upgrades(None)
    copy = old.root / "store-v1.duckdb"
    assert copies(old) == [copy.name]
    assert content_of(copy) == before
    assert told[0] == f"Updating the project's store from version 1 to {SCHEMA_VERSION}. A copy of it is kept: {copy}"
    assert (logged.from_version, logged.to_version, logged.copy) == (1, SCHEMA_VERSION, copy)
    connection.release(old.store_path)
    with old.store() as store:
        assert len(list_upgrades(store.cursor(), old.root)) == 1
    assert copies(old) == [copy.name]


def test_a_copy_never_takes_the_place_of_another(old: Project):
    (old.root / "store-v1.duckdb").write_text("an older copy")
    with old.store():
        pass
    assert copies(old) == ["store-v1-2.duckdb", "store-v1.duckdb"]
    assert (old.root / "store-v1.duckdb").read_text() == "an older copy"


def test_the_store_of_the_first_day_of_version_1_gets_its_refinements(old: Project):
    with duckdb.connect(str(old.store_path)) as first_day:
        first_day.execute("DROP TABLE refinements")
    with old.store() as store:
        assert store.cursor().execute("SELECT count(*) FROM refinements").fetchone() == (0,)


def test_a_migration_that_fails_leaves_the_store_whole(old: Project, monkeypatch: pytest.MonkeyPatch):
    before = content_of(old.store_path)

    def fail(cursor: duckdb.DuckDBPyConnection, _: Path) -> tuple[str, ...]:
        cursor.execute("DELETE FROM decisions")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(migrations, "STEPS", (*STEPS, migrations.Step("the last", fail)))
    with (
        pytest.raises(StoreError, match=r"could not be updated from version 1 .*No space left.* It was not changed"),
        old.store(),
    ):
        pass
    assert content_of(old.store_path) == before
    assert copies(old) == []
    monkeypatch.undo()
    with old.store() as store:
        assert len(list_upgrades(store.cursor(), old.root)) == 1


@pytest.mark.slow
def test_a_migration_that_is_killed_leaves_the_store_whole(old: Project):
    before = content_of(old.store_path)
    done = subprocess.run([sys.executable, "-c", KILLED_IN_A_STEP, str(old.root)], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    assert content_of(old.store_path) == before
    with old.store() as store:
        assert len(list_upgrades(store.cursor(), old.root)) == 1


def test_too_little_space_is_said_before_anything_is_written(old: Project, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("lobass_core.store.copies.shutil.disk_usage", lambda _: usage(0, 0, 10 << 20))
    digest = hashlib.sha256(old.store_path.read_bytes()).hexdigest()
    with (
        pytest.raises(StoreError, match=r"needs 80 MiB of free space .* 10 MiB are free .*Nothing was changed"),
        old.store(),
    ):
        pass
    assert hashlib.sha256(old.store_path.read_bytes()).hexdigest() == digest
    assert copies(old) == []


def test_a_copy_that_fails_is_said_and_nothing_is_changed(old: Project, monkeypatch: pytest.MonkeyPatch):
    before = content_of(old.store_path)
    monkeypatch.setattr("lobass_core.store.copies._COPY", "import sys; sys.exit('Read-only file system')")
    with pytest.raises(StoreError, match=r"making a copy of it first failed: Read-only file system"), old.store():
        pass
    assert content_of(old.store_path) == before
    assert copies(old) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE meta SET value = '99' WHERE name = 'schema_version'", "made this store: it has version 99"),
        ("UPDATE meta SET value = 'xi' WHERE name = 'schema_version'", "has an invalid version .'xi'"),
        ("UPDATE meta SET value = '0' WHERE name = 'schema_version'", "has an invalid version .'0'"),
        ("DELETE FROM meta WHERE name = 'schema_version'", "the store has no version"),
        ("DROP TABLE decisions; DROP TABLE losses", "could not be updated from version 1"),
    ],
)  # fmt: skip
def test_a_store_of_another_kind_is_refused_in_a_sentence_and_left_alone(old: Project, change: str, sentence: str):
    with duckdb.connect(str(old.store_path)) as changed:
        changed.execute(change)
    before = content_of(old.store_path)
    with pytest.raises(StoreError, match=sentence), old.store():
        pass
    assert content_of(old.store_path) == before
    assert copies(old) == []
