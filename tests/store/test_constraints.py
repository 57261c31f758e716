"""The database refuses what no reader expects; a store that holds such things already still opens with all of them."""

from pathlib import Path

import duckdb
import pytest

from lobass_core.errors import StoreError
from lobass_core.project import Project
from lobass_core.store import connection
from lobass_core.store.constraints import GREAT, SMALL
from lobass_core.store.upgrade import list_upgrades
from tests.store.conftest import add_file
from tests.store.old_projects import unpack


@pytest.fixture
def filled(store):
    add_file(store, "a", "math", [("1+1", "2"), ("2+2", "4")])
    with store.transaction() as cursor:
        cursor.execute("INSERT INTO decisions VALUES (1, 'd', 0, 'keep', '', 'now', '', NULL, '')")
        cursor.execute("INSERT INTO saved_filters VALUES ('mine', 'q=1', 'now')")
    return store


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO datasets SELECT * FROM datasets",
        "UPDATE datasets SET n_rows = -1",
        "UPDATE rows SET sample_key = NULL WHERE row_key = 1",
        "UPDATE samples SET turns = NULL",
        "INSERT INTO decisions VALUES (2, 'e', 0, 'perhaps', '', 'now', '', NULL, '')",
        "INSERT INTO decisions VALUES (2, 'e', NULL, 'keep', '', 'now', '', NULL, '')",
        "INSERT INTO saved_filters VALUES ('mine', 'q=2', 'now')",
        "INSERT INTO meta VALUES ('content', '7')",
        "INSERT INTO losses (sample_key, model_fp) VALUES (0, 'B')",
        "INSERT INTO former_rows VALUES (1, 0, 0, 1, 0, 'math', NULL, 'lost', NULL)",
    ],
)
def test_what_means_nothing_is_refused(filled, statement: str):
    with pytest.raises(StoreError), filled.transaction() as cursor:
        cursor.execute(statement)


def test_a_key_may_come_again_in_the_transaction_that_removed_it(filled):
    with filled.transaction() as cursor:
        cursor.execute("DELETE FROM saved_filters WHERE name = 'mine'")
        cursor.execute("INSERT INTO saved_filters VALUES ('mine', 'q=3', 'now')")
    assert filled.cursor().execute("SELECT query FROM saved_filters").fetchall() == [("q=3",)]


def constraints_of(project: Project) -> list[tuple]:
    with project.store() as store:
        columns = "table_name, constraint_type, constraint_column_names, expression"
        return store.cursor().execute(f"SELECT {columns} FROM duckdb_constraints() ORDER BY ALL").fetchall()


def test_an_old_store_gets_the_constraints_of_a_new_one(project: Project, tmp_path: Path):
    old, _ = unpack("project-v1", tmp_path / "old")
    found = constraints_of(old)
    assert found == constraints_of(project)
    assert {table for table, *_ in found} >= {one.table for one in (*SMALL, *GREAT)}
    connection.release(old.store_path)


def test_a_store_that_breaks_them_opens_with_all_it_holds(tmp_path: Path):
    old, _ = unpack("project-v1", tmp_path / "old")
    with duckdb.connect(str(old.store_path)) as damaged:
        damaged.execute("INSERT INTO decisions VALUES (99, 'odd', 0, 'perhaps', '', 'now', '', NULL)")
        damaged.execute("INSERT INTO selections SELECT * FROM selections")
        n_selections = damaged.execute("SELECT count(*) FROM selections").fetchall()
    with old.store() as store:
        cursor = store.cursor()
        assert cursor.execute("SELECT verdict FROM decisions WHERE decision_id = 'odd'").fetchall() == [("perhaps",)]
        assert cursor.execute("SELECT count(*) FROM selections").fetchall() == n_selections
        notes = list_upgrades(cursor, old.root)[0].notes
    assert notes[-2:] == (
        "The table decisions is left without its checks: some of its values are not valid.",
        "The table selections is left without its checks: a key occurs twice.",
    )
    connection.release(old.store_path)
