"""An id is given out once: what is removed never lends its own to what comes later."""

from pathlib import Path

import pyarrow as pa
import pytest

from lobass_core.project import Project
from lobass_core.store import connection, sequences
from lobass_core.store.compact import compact
from lobass_core.store.exports import forget_export, list_exports, log_export
from lobass_core.store.removals import remove_dataset
from lobass_core.store.salvage import salvage
from lobass_core.store.selections import save_selection
from lobass_core.store.sequences import SEQUENCES, given_out, take_ids
from tests.store.conftest import add_file
from tests.store.old_projects import unpack

PAIRS = [("1+1", "2"), ("2+2", "4"), ("3+3", "6")]


def keys(store) -> list[tuple[int, int, int]]:
    return store.cursor().execute("SELECT dataset_id, row_key, sample_key FROM rows ORDER BY row_key").fetchall()


def log(cursor) -> int:
    return log_export(
        cursor, selection_name="s", format="trl", folder="/f", n_rows=1, manifest={}, manifest_sha256="sha"
    )


def test_what_was_removed_lends_its_ids_to_nothing(store):
    add_file(store, "a", "math", PAIRS)
    assert keys(store) == [(1, 0, 0), (1, 1, 1), (1, 2, 2)]
    with store.transaction() as cursor:
        remove_dataset(cursor, "a")
    add_file(store, "b", "math", PAIRS[:2])
    assert keys(store) == [(2, 3, 3), (2, 4, 4)]
    with store.transaction() as cursor:
        forget_export(cursor, log(cursor))
        assert log(cursor) == 2
    assert [export.export_id for export in list_exports(store.cursor())] == [2]


def test_numbers_come_one_after_another(store):
    with store.transaction() as cursor:
        assert [take_ids(cursor, "row_keys", 5), take_ids(cursor, "row_keys"), take_ids(cursor, "row_keys", 2)] == [
            0, 5, 6,
        ]  # fmt: skip


def test_an_old_store_goes_on_behind_all_that_it_holds(tmp_path: Path):
    project, _ = unpack("project-v1", tmp_path / "old")
    with project.store() as store, store.transaction() as cursor:
        for name, (first, columns) in SEQUENCES.items():
            tables = (column.split(".") for column in columns)
            held = [cursor.execute(f"SELECT max({column}) FROM {table}").fetchall()[0][0] for table, column in tables]
            assert take_ids(cursor, name) == max((id for id in held if id is not None), default=first - 1) + 1, name
    connection.release(project.store_path)


def one_pick() -> pa.Table:
    columns = {"row_key": [1], "sample_key": [1], "pick_rank": [1], "reason": ["score"], "score": [0.5]}
    return pa.table({**columns, "row_key": pa.array([1], pa.int64())})


@pytest.mark.parametrize("how", ["compacted", "salvaged"])
def test_a_store_that_is_written_anew_goes_on_counting(project: Project, how: str):
    with project.store() as store:
        add_file(store, "a", "math", PAIRS)
        with store.transaction() as cursor:
            remove_dataset(cursor, "a")
            saved = {"scoring_id": 1, "spec": {}, "result": {}, "tokens_kept": 0}
            save_selection(cursor, name="s", **saved, picks=one_pick())
        before = given_out(store.cursor(), "store")
        store.checkpoint()
    assert before == {"dataset_ids": 1, "row_keys": 2, "sample_keys": 2, "selection_ids": 1}
    if how == "compacted":
        compact(project.store_path)
    else:
        salvage(project.store_path, "id")
    with project.store() as store, store.transaction() as cursor:
        assert {name: take_ids(cursor, name) for name in before} == {name: last + 1 for name, last in before.items()}
        assert take_ids(cursor, "export_ids") == 1


def test_every_table_with_an_id_is_known(store):
    """A table that comes later and holds ids must be among those that a salvaged store is counted by."""
    named = {column for _, columns in SEQUENCES.values() for column in columns}
    ids = {column.partition(".")[2] for column in named}
    held = store.cursor().execute("SELECT table_name || '.' || column_name FROM duckdb_columns() WHERE NOT internal")
    tables_that_follow = {"rejects", "dataset_files", "dataset_updates", "refinements", "imported_domains",
                          "former_datasets", "former_files", "former_rejects", "standing_decisions"}  # fmt: skip
    unknown = {
        name
        for (name,) in held.fetchall()
        if name.partition(".")[2] in ids and name not in named and name.partition(".")[0] not in tables_that_follow
    }
    assert unknown == set()
    assert sequences.has_sequences(store.cursor())
