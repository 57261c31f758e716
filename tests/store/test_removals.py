"""A dataset can be taken out again, and takes nothing along that others stand on."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from lobass_core.errors import RequestError, StoreError
from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.store.browse import sample_keys
from lobass_core.store.removals import remove_dataset
from lobass_core.store.selections import save_selection
from lobass_core.workflows.import_data import import_file, scan
from lobass_core.workflows.outline import read_outline


def imported(project: Project, tmp_path: Path, name: str, prompts: list[str]) -> None:
    path = tmp_path / f"{name}.jsonl"
    rows = [json.dumps({"prompt": prompt, "completion": "x"}) + "\n" for prompt in prompts]
    path.write_text("".join(rows) + '{"prompt": 1}\n', encoding="utf-8")
    import_file(project, ImportSpec(str(path), domain="d"))


def counts(project: Project) -> tuple[int, ...]:
    with project.store() as store:
        cursor = store.cursor()
        tables = ("datasets", "rows", "rejects", "samples")
        return tuple(cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in tables)


def test_shared_samples_stay_and_stop_being_duplicates(project: Project, tmp_path: Path) -> None:
    imported(project, tmp_path, "a", ["1", "2"])
    imported(project, tmp_path, "b", ["2", "3"])
    assert counts(project) == (2, 4, 2, 3)
    with project.store() as store, store.transaction() as cursor:
        assert remove_dataset(cursor, "a") == 2
    assert counts(project) == (1, 2, 1, 2)
    with project.store() as store:
        left = store.cursor().execute(
            "SELECT prompt_text, is_duplicate FROM rows JOIN samples USING (sample_key) ORDER BY row_key"
        ).fetchall()  # fmt: skip
    assert left == [("2", False), ("3", False)]
    imported(project, tmp_path, "a", ["1", "2"])
    assert counts(project) == (2, 4, 2, 3)


def test_what_was_judged_keeps_its_sample(project: Project, tmp_path: Path) -> None:
    imported(project, tmp_path, "a", ["1", "2"])
    with project.store() as store, store.transaction() as cursor:
        cursor.execute("INSERT INTO notes VALUES ('n', 1, 'mine', '2026-01-01T00:00:00+00:00', '')")
        remove_dataset(cursor, "a")
    assert counts(project) == (0, 0, 0, 1)


def test_rows_of_a_selection_stay(project: Project, tmp_path: Path) -> None:
    imported(project, tmp_path, "a", ["1", "2"])
    picks = pa.table(
        {
            "row_key": pa.array([0], pa.int64()),
            "sample_key": pa.array([0], pa.int64()),
            "pick_rank": pa.array([1], pa.int64()),
            "reason": ["score"],
            "score": [0.5],
        }
    )
    with project.store() as store, store.transaction() as cursor:
        save_selection(cursor, name="kept", scoring_id=1, spec={}, result={}, tokens_kept=1, picks=picks)
    with (
        pytest.raises(StoreError, match="the selection 'kept' contains rows of 'a'"),
        project.store() as store,
        store.transaction() as cursor,
    ):
        remove_dataset(cursor, "a")
    assert counts(project) == (1, 2, 1, 2)
    with pytest.raises(StoreError, match="no dataset 'z'"), project.store() as store:
        remove_dataset(store.cursor(), "z")


def test_a_sample_without_a_row_counts_as_new_and_takes_no_decision(project: Project, tmp_path: Path) -> None:
    imported(project, tmp_path, "a", ["1", "2"])
    with project.store() as store, store.transaction() as cursor:
        cursor.execute("INSERT INTO notes VALUES ('n', 1, 'mine', '2026-01-01T00:00:00+00:00', '')")
        ((sample_id,),) = cursor.execute("SELECT sample_id FROM samples WHERE sample_key = 1").fetchall()
        remove_dataset(cursor, "a")
    assert read_outline(project).n_samples == 0
    with project.store() as store, pytest.raises(RequestError, match="matches no sample"):
        sample_keys(store.cursor(), [sample_id])
    spec = ImportSpec(str(tmp_path / "a.jsonl"), domain="d")
    assert scan(project, spec).n_seen_before == 0
    result = import_file(project, spec)
    assert (result.n_imported, result.n_seen_before, result.n_duplicates) == (2, 0, 0)
    with project.store() as store:
        assert sample_keys(store.cursor(), [sample_id]) == [1]
    assert read_outline(project).n_samples == 2
