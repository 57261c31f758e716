"""A dataset follows a newer state of its files: what is unchanged keeps all it has, and all of it can be taken back."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import InputFileError, RequestError
from lobass_core.learnability.flags import UNSEEN_BY_REFERENCE
from lobass_core.project import Project
from lobass_core.records import turns_from_json
from lobass_core.specs import ImportSpec
from lobass_core.store.datasets import list_datasets
from lobass_core.store.versions import raise_content
from lobass_core.workflows.browse import find, read_page
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.import_data import import_file, list_rejects
from lobass_core.workflows.row_pairs import pair_by_id, pair_by_place
from lobass_core.workflows.row_table import open_rows
from lobass_core.workflows.scored import list_scorings, scored
from lobass_core.workflows.status import status
from lobass_core.workflows.update_dataset import compare_dataset, undo_update, update_dataset
from lobass_core.workflows.update_settings import update_settings
from tests.scored_files import REFERENCE, import_and_score, score, select_all, write_jsonl
from tests.workflows.updates import BROKEN, counts, row, sample_ids, tables, updated


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        ("ABCD", "XABZD", [(2, 3)]),  # C and Z follow B
        ("ABCD", "DCBA", []),
        ("AB", "XY", [(0, 0), (1, 1)]),
        ("ABC", "AXYC", [(1, 1)]),
        ("AXYC", "ABC", [(1, 1)]),
        ("", "AB", []),
    ],
)
def test_rows_are_paired_behind_the_same_unchanged_row(before: str, after: str, pairs: list):
    unchanged = [(before.index(letter), place) for place, letter in enumerate(after) if letter in before]
    gone = [place for place, letter in enumerate(before) if letter not in after]
    new = [place for place, letter in enumerate(after) if letter not in before]
    assert pair_by_place(gone, new, unchanged) == pairs


def test_rows_are_paired_by_id():
    assert pair_by_id({7: "a", 8: "b"}, {0: "c", 1: "b"}) == [(8, 1)]


def test_counts_without_ids(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(n) for n in range(6)])
    import_file(project, ImportSpec(str(path), domain="x"))
    before = tables(project)
    # A new first row, the last two swapped, 2 reworded, 3 gone, 1 with another field.
    write_jsonl(path, [row(9), row(0), row(1, mark="a"), row(2, "better"), row(5), row(4), BROKEN])
    found = compare_dataset(project, "a", {})
    assert counts(found) == (4, 1, 1, 1)
    assert (found.counts.n_other_fields, found.counts.n_rejected, found.counts.matched_by) == (1, 1, "place")
    assert tables(project) == before
    update_dataset(project, found)
    with project.store() as store:
        cursor = store.cursor()
        rows = cursor.execute("SELECT row_key, row_index, line, source FROM rows ORDER BY row_index").fetchall()
        [dataset] = list_datasets(cursor)
        fates = cursor.execute("SELECT row_key, fate, new_key FROM former_rows WHERE fate <> 'kept' ORDER BY 1")
        assert fates.fetchall() == [(2, "changed", 8), (3, "gone", None)]
    assert [one[0] for one in rows] == [7, 0, 1, 8, 5, 4]
    assert [one[:3] for one in rows] == [(one[0], index, index + 1) for index, one in enumerate(rows)]
    assert [json.loads(one[3]) for one in rows][2] == row(1, mark="a")
    assert (dataset.n_rows, dataset.n_rejected) == (6, 1)
    assert [reject.row_index for reject in list_rejects(project)] == [6]
    # The same bytes again: there is nothing to do, and an import of them doubles nothing.
    assert compare_dataset(project, "a", {}).is_same
    assert import_file(project, ImportSpec(str(path), domain="x")).already_imported
    undo_update(project, "a")
    assert tables(project) == before


def test_an_id_column_tells_a_changed_row_wherever_it_stands(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(n, topic_id=1, id=n) for n in range(5)])
    import_file(project, ImportSpec(str(path), domain="x"))
    write_jsonl(
        path, [row(7, id=7, topic_id=1), *(row(n, "new" if n == 1 else "", id=n, topic_id=1) for n in (4, 3, 2, 1))]
    )
    found = compare_dataset(project, "a", {})
    assert (counts(found), found.counts.matched_by) == ((3, 1, 1, 1), "id")


def test_records_of_odd_characters_are_known_again(project: Project, tmp_path: Path):
    path = tmp_path / "a.jsonl"
    odd = '{"prompt": "\\ud83d cut", "completion": "\u2028 \x00 \U0001f600 \ufeff"}\n'
    path.write_text(odd + '{"prompt":  "two  spaces", "completion": "3.10"}\n', encoding="utf-8")
    import_file(project, ImportSpec(str(path), domain="x"))
    with path.open("a") as file:
        file.write(json.dumps(row(1)) + "\n")
    found = compare_dataset(project, "a", {})
    assert (counts(found), found.counts.n_other_fields) == ((2, 0, 1, 0), 0)


def test_equal_texts_are_matched_as_often_as_both_sides_have_them(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(1, mark=1), row(1, mark=2), row(1, mark=3), row(2)])
    import_file(project, ImportSpec(str(path), domain="x"))
    write_jsonl(path, [row(2), row(1, mark=3), row(1, mark=2)])
    update = updated(project, "a")
    assert (counts(update), update.counts.n_other_fields) == ((3, 0, 0, 1), 0)
    with project.store() as store:
        rows = store.cursor().execute("SELECT row_key, is_duplicate FROM rows ORDER BY row_index").fetchall()
    assert rows == [(3, False), (2, False), (1, True)]


def test_browse_lists_rows_as_the_files_have_them_and_holds_selections_that_have_lost_rows(
    project: Project, tmp_path: Path
):
    path = write_jsonl(tmp_path / "a.jsonl", [row(n) for n in range(5)])
    import_and_score(project, (path, "x"))
    select_all(project)
    write_jsonl(path, [row(3), row(7), row(0), row(2)])
    updated(project, "a")
    rows = open_rows(project)

    def prompts(**asked: object) -> list[str]:
        found = find(project, BrowseFilter(sort="imported", descending=False, **asked))  # type: ignore[arg-type]
        return [turns_from_json(one.stored.turns)[0].content for one in read_page(project, found)]

    assert len(rows) == 4
    assert prompts() == ["question 3", "question 7", "question 0", "question 2"]
    assert prompts(in_selections=("all",)) == ["question 3", "question 0", "question 2"]
    assert prompts(not_in_selections=("all",)) == ["question 7"]


def test_a_changed_text_is_scored_by_the_fold_model_that_has_not_seen_the_former_one(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(0), row(1), row(2)])
    import_file(project, ImportSpec(str(path), domain="x"))
    file = project.models_dir / "ref" / "folds.parquet"
    file.parent.mkdir(parents=True)
    before = [sample_id for (sample_id,) in sample_ids(project)]
    pq.write_table(pa.table({"sample_id": before, "fold": pa.array([0, 3, 1], pa.int32())}), file)
    write_jsonl(path, [row(0), row(1, "mended"), row(2), row(3)])
    assert counts(updated(project, "a")) == (2, 1, 1, 0)
    after = [sample_id for (sample_id,) in sample_ids(project)]
    folds = pq.read_table(file)
    assert folds["sample_id"].to_pylist() == [*before, after[3]]
    assert folds["fold"].to_pylist() == [0, 3, 1, 3]


def test_rows_that_the_reference_has_not_seen_are_flagged(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(0), row(1)])
    import_and_score(project, (path, "x"))
    with project.store() as store, store.transaction() as cursor:
        cursor.execute("INSERT INTO reference_training SELECT $fp, tie_key FROM samples", {"fp": REFERENCE})
        raise_content(cursor)
    assert [UNSEEN_BY_REFERENCE & int(bits) for bits in scored(project).table.flags] == [0, 0]
    write_jsonl(path, [row(0), row(1, "mended"), row(2)])
    updated(project, "a")
    score(project)
    run = list_scorings(project)[0].run_id
    table = scored(project, run).table
    assert [UNSEEN_BY_REFERENCE & int(bits) > 0 for bits in table.flags] == [False, True, True]


def test_ten_thousand_rows_of_which_three_changed(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(n) for n in range(10_000)])
    import_file(project, ImportSpec(str(path), domain="x"))
    with project.store() as store, store.transaction() as cursor:
        cursor.execute(
            "INSERT INTO losses BY NAME SELECT sample_key, 'base' AS model_fp, 'render' AS render_fp, 'ok' AS status,"
            " 1.5 AS loss_sum_nats, 1 AS n_tokens, 1 AS n_prompt_tokens, 0 AS n_dropped_tokens, 'r-0001' AS run_id,"
            " 's' AS shard FROM samples"
        )
    write_jsonl(path, [row(n, "reworded" if n in (17, 5_000, 9_999) else "") for n in range(10_000)])
    update = updated(project, "a")
    assert counts(update) == (9_997, 3, 0, 0)
    with project.store() as store:
        ((n_rows, n_scored),) = (
            store.cursor()
            .execute("SELECT count(*), count(l.sample_key) FROM rows LEFT JOIN losses l USING (sample_key)")
            .fetchall()
        )
    assert (n_rows, n_scored) == (10_000, 9_997)


def test_the_settings_of_the_first_import_hold_unless_they_are_said_again(project: Project, tmp_path: Path):
    rows = [{"q": f"question {n}", "a": f"answer {n}", "kind": f"k{n % 2}"} for n in range(4)]
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    spec = ImportSpec(
        str(path), format="columns", mapping=(("prompt", "q"), ("response", "a")), domain_column="kind", name="set"
    )
    import_file(project, spec)
    other = write_jsonl(tmp_path / "newer.jsonl", [*rows, {"q": "more", "a": "yes", "kind": "k2"}])
    found = compare_dataset(project, "set", {"path": str(other)})
    assert counts(found) == (4, 0, 1, 0)
    assert (found.spec.domain_column, found.spec.mapping, found.notes) == ("kind", spec.mapping, ())
    renamed = compare_dataset(project, "set", {"path": str(other), "domain": "one"})
    assert (renamed.spec.domain, renamed.spec.domain_column) == ("one", "")
    update_dataset(project, renamed)
    assert status(project).datasets[0].domains == ("one",)
    undo_update(project, "set")
    assert status(project).datasets[0].domains == ("k0", "k1")
    swapped = compare_dataset(project, "set", {"mapping": (("prompt", "a"), ("response", "q"))})
    assert counts(swapped) == (0, 4, 0, 0)
    assert swapped.notes == (
        "the files are read as columns (prompt=a, response=q), before as columns (prompt=q, response=a)",
    )
    with project.store() as store:
        told = update_settings(list_datasets(store.cursor())[0], {"format": "alpaca"})
    assert (told.format, told.mapping, told.domain_column) == ("alpaca", (), "kind")
    with pytest.raises(RequestError, match="--name applies only to a new dataset"):
        compare_dataset(project, "set", {"name": "other"})
    with pytest.raises(RequestError, match="no dataset named 'sets'"):
        compare_dataset(project, "sets", {})


def test_a_dataset_of_an_older_version_is_read_as_it_was(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"q": f"q{n}", "a": f"a{n}"} for n in range(3)])
    import_file(
        project, ImportSpec(str(path), format="columns", mapping=(("prompt", "q"), ("response", "a")), domain="x")
    )
    with project.store() as store, store.transaction() as cursor:
        cursor.execute("UPDATE datasets SET import_spec = NULL")
    found = compare_dataset(project, "a", {})
    assert (counts(found), found.is_same) == ((3, 0, 0, 0), True)


def test_several_files_follow(project: Project, tmp_path: Path):
    folder = tmp_path / "set"
    folder.mkdir()
    write_jsonl(folder / "train.jsonl", [row(n) for n in range(3)])
    write_jsonl(folder / "test.jsonl", [row(n) for n in range(3, 5)])
    import_file(project, ImportSpec(str(folder), domain="x"))
    before = tables(project)
    write_jsonl(folder / "train.jsonl", [row(n) for n in range(1, 4)])
    write_jsonl(folder / "valid.jsonl", [row(9), BROKEN])
    update = updated(project, "set")
    assert counts(update) == (4, 0, 2, 1)  # the third question stands twice now
    with project.store() as store:
        files = (
            store.cursor()
            .execute("SELECT name, first_row, n_rows, n_rejected FROM dataset_files ORDER BY file_number")
            .fetchall()
        )
    assert files == [("test.jsonl", 0, 2, 0), ("train.jsonl", 2, 3, 0), ("valid.jsonl", 5, 1, 1)]
    assert list_rejects(project)[0].file == "valid.jsonl"
    undo_update(project, "set")
    assert tables(project) == before


def test_files_without_a_good_row_are_refused(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(0)])
    import_file(project, ImportSpec(str(path), domain="x", format="prompt-completion"))
    write_jsonl(path, [BROKEN, BROKEN])
    with pytest.raises(InputFileError, match="none of its 2 rows can be imported"):
        compare_dataset(project, "a", {})
