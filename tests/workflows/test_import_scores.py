"""Scores from elsewhere become a score column: every line is counted once, and values follow their rows."""

import math
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import InputFileError, ReadOnlyError, RequestError
from lobass_core.formats.raw_records import RawRecord
from lobass_core.project import Project
from lobass_core.specs import ImportSpec, ScoreFileSpec
from lobass_core.store.connection import release
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.import_scores import (
    file_columns,
    import_scores,
    list_score_columns,
)
from lobass_core.workflows.score_lines import ScoreLines, number_of
from tests.read_only import read_only
from tests.scored_files import write_jsonl
from tests.workflows.score_files import NAN, bring, counts, four_rows, ids, row, same, values


@pytest.fixture
def path(project: Project, tmp_path: Path) -> Path:
    return four_rows(project, tmp_path)


def test_by_sample_id(project: Project, path: Path):
    known = ids(project)
    lines = [{"sample_id": known[2].upper(), "quality": 2.5}, {"sample_id": "0" * 64, "quality": 1.0}]
    found = bring(project, path, lines, key="sample-id", unit="points", higher_is_better=False)
    assert counts(found) == {"matched": 1, "unmatched": 1}
    assert (found.n_rows, found.n_without, found.column, found.by_position) == (1, 3, "quality", False)
    assert found.lines == (("unmatched", 2, "no imported row has the sample 000000000000"),)
    assert same(values(project), [NAN, NAN, 2.5, NAN])
    (column,) = list_score_columns(project)
    assert (column.name, column.unit, column.higher_is_better, column.source, column.n_rows) == (
        "quality", "points", False, "quality.jsonl", 1,
    )  # fmt: skip


def test_by_row_counted_from_0(project: Project, path: Path):
    assert counts(bring(project, path, [{"row_index": 3, "quality": 1}, {"row_index": 4, "quality": 9}])) == {
        "matched": 1,
        "unmatched": 1,
    }
    assert same(values(project), [NAN, NAN, NAN, 1.0])


def test_by_place_in_the_file(project: Project, path: Path):
    found = bring(project, path, [{"quality": n / 2} for n in range(5)])
    assert found.by_position
    assert counts(found) == {"matched": 4, "unmatched": 1}
    assert values(project) == [0.0, 0.5, 1.0, 1.5]


def test_by_a_column_of_the_records(project: Project, path: Path):
    found = bring(project, path, [{"id": " q1", "quality": 1}, {"id": "q9", "quality": 9}, {"id": None, "quality": 3}],
                  key="id")  # fmt: skip
    assert counts(found) == {"matched": 1, "unmatched": 1, "unreadable": 1}
    assert same(values(project), [NAN, 1.0, NAN, NAN])


def test_a_key_that_several_records_share_scores_all_of_them(project: Project, tmp_path: Path):
    rows = [row(n, source=n // 2) for n in range(4)]
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    import_file(project, ImportSpec(str(path), domain="math"))
    found = bring(project, path, [{"source": "0", "quality": 0.5}], key="source")
    assert (counts(found), found.n_rows) == ({"matched": 1}, 2)
    assert same(values(project), [0.5, 0.5, NAN, NAN])


def test_the_same_file_with_nested_scores(project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "a.jsonl", [row(n, scores={"depth": n}) for n in range(3)])
    import_file(project, ImportSpec(str(path), domain="math"))
    import_scores(project, ScoreFileSpec(str(path), "depth", "row", column="scores.depth"))
    assert values(project, "depth") == [0.0, 1.0, 2.0]


def test_what_of_a_file_can_be_a_score(tmp_path: Path):
    rows = [{"id": "a", "row": 0, "s": {"depth": None, "deep": {"er": "2.5"}}}, {"id": "b", "s": {"depth": 1}}]
    found = file_columns(str(write_jsonl(tmp_path / "q.jsonl", rows)))
    assert (found.columns, found.numeric) == (("id", "row", "s"), ("s.deep.er", "s.depth"))


def test_every_line_is_counted_once(project: Project, path: Path):
    file = path.parent / "q.jsonl"
    file.write_text(
        '{"row": 0, "q": 1}\n{"row": 0, "q": 1}\n{"row": 0, "q": 2}\n{"row": 1, "q": null}\n{"row": 1}\n'
        '{"row": 1, "q": NaN}\n{"row": 1, "q": -Infinity}\n{"row": 1, "q": 1e999}\n{"row": 1, "q": "high"}\n'
        '{"row": 1, "q": true}\n{"row": -1, "q": 1}\n{"row": 1, "q":\n[1]\n{"row": 8, "q": 1}\n{"row": 2, "q": "3.5"}\n'
    )
    found = import_scores(project, ScoreFileSpec(str(file), "q", "row"))
    assert counts(found) == {
        "matched": 2, "unmatched": 1, "missing": 2, "not_number": 2, "non_finite": 3, "repeated": 2, "unreadable": 3,
    }  # fmt: skip
    assert (found.n_lines, found.n_differing) == (15, 1)
    assert same(values(project, "q"), [1.0, NAN, 3.5, NAN])
    reasons = {line: reason for _, line, reason in found.lines}
    assert reasons[9] == "q is 'high'"
    assert reasons[11] == "has no row: '-1' is not a whole number of 0 or more"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (3, 3.0),
        (" -1.5e3 ", -1500.0),
        (".5", 0.5),
        ("", ("missing", "empty")),
        ("N/A", ("missing", "empty")),
        ("nan", ("non-finite", "nan")),
        ("1,5", ("not a number", "'1,5'")),
        ("1_000", ("not a number", "'1_000'")),
        (10**400, ("non-finite", str(10**400)[:40])),
        ([1], ("not a number", "[1]")),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_what_is_a_number(value: object, found: object):
    assert number_of(value) == found


def test_csv_and_parquet(project: Project, path: Path):
    csv = path.parent / "q.csv"
    csv.write_text("row;quality\n0;0,5\n1;0.5\n2;\n")
    found = import_scores(project, ScoreFileSpec(str(csv), "from csv", "row", column="quality"))
    assert counts(found) == {"matched": 1, "missing": 1, "not_number": 1}
    parquet = path.parent / "q.parquet"
    decimals = pa.array([1.5, None, 2], pa.float64()).cast(pa.decimal128(4, 1))
    pq.write_table(pa.table({"row": [0, 1, 3], "x": decimals, "y": [1.5, NAN, math.inf]}), parquet)
    found = import_scores(project, ScoreFileSpec(str(parquet), "x", "row"))
    assert (counts(found), found.column) == ({"matched": 2, "missing": 1}, "x")
    assert same(values(project, "x"), [1.5, NAN, NAN, 2.0])
    # The Parquet reader gives null for both.
    assert counts(import_scores(project, ScoreFileSpec(str(parquet), "y", "row"))) == {"matched": 1, "missing": 2}


def test_cells_of_a_table_are_what_they_say(project: Project, tmp_path: Path):
    """Text that a spreadsheet would run is guarded where LoBaSS writes it; a key of somebody else is not unguarded."""
    path = write_jsonl(tmp_path / "data.jsonl", [row(0, tag="'=a"), row(1, tag="=a"), row(2, tag=17)])
    import_file(project, ImportSpec(str(path), domain="math", name="-rows"))
    file = tmp_path / "quality.csv"
    file.write_text("tag,other,quality\n'=a,NaN,1\n17.0,,2\n")
    spec = ScoreFileSpec(str(file), name="quality", key="tag")
    assert counts(import_scores(project, spec)) == {"matched": 2}
    assert same(values(project), [1.0, NAN, 2.0])
    file.write_text("dataset,row_index,quality\n'-rows,1.0,'-3\n")
    assert counts(import_scores(project, ScoreFileSpec(str(file), name="quality", key="row", if_named="add"))) == {
        "matched": 1
    }
    assert values(project) == [1.0, -3.0, 2.0]


def test_a_line_of_a_table_is_not_written_as_json(project: Project, path: Path, monkeypatch: pytest.MonkeyPatch):
    file = path.parent / "quality.csv"
    file.write_text("row,quality\n0,NaN\n1,1.5\n")
    lines = ScoreLines.open(ScoreFileSpec(str(file), name="quality", key="row"), "a")
    monkeypatch.setattr(RawRecord, "source_text", property(lambda record: pytest.fail(f"line {record.line}")))
    non_finite, matched = lines.read()
    assert (non_finite.fault, matched.value) == ("non-finite", 1.5)


def test_a_dry_run_counts_the_same_and_writes_nothing(project: Project, path: Path):
    file = write_jsonl(path.parent / "q.jsonl", [{"quality": 1}, {"quality": None}])
    spec = ScoreFileSpec(str(file), "quality", "row")
    with project.store() as store:
        before = store.revision()
    planned = import_scores(project, spec, dry_run=True)
    with project.store() as store:
        assert store.revision() == before
    assert list_score_columns(project) == []
    done = import_scores(project, spec)
    assert {**planned.to_dict(), "dry_run": False} == done.to_dict()


def test_a_dry_run_of_a_project_that_may_not_be_written(project: Project, path: Path):
    file = write_jsonl(path.parent / "q.jsonl", [{"quality": 1}])
    release(project.store_path)
    with read_only(project.root):
        assert import_scores(project, ScoreFileSpec(str(file), "quality", "row"), dry_run=True).n_matched == 1
        with pytest.raises(ReadOnlyError):
            import_scores(project, ScoreFileSpec(str(file), "quality", "row"))


def test_a_name_that_is_there_is_replaced_or_added_to(project: Project, path: Path):
    bring(project, path, [{"row": 0, "quality": 1}, {"row": 1, "quality": 1}])
    with pytest.raises(RequestError, match=r"already.*--replace.*--add"):
        bring(project, path, [{"row": 0, "quality": 2}])
    found = bring(project, path, [{"row": 1, "quality": 2}, {"row": 2, "quality": 2}], if_named="add")
    assert (counts(found), found.n_rows, found.n_without) == ({"matched": 1, "held": 1}, 3, 1)
    assert same(values(project), [1.0, 1.0, 2.0, NAN])
    with pytest.raises(RequestError, match="unit 'none', and higher is better"):
        bring(project, path, [{"row": 3, "quality": 2}], if_named="add", unit="points")
    with project.store() as store:
        cursor = store.cursor()
        logged = cursor.execute("SELECT n_values FROM score_imports ORDER BY rowid").fetchall()
        assert logged == [(2,), (1,)]
    bring(project, path, [{"row": 3, "quality": 4}], if_named="replace", higher_is_better=False)
    assert same(values(project), [NAN, NAN, NAN, 4.0])
    assert [column.higher_is_better for column in list_score_columns(project)] == [False]


def test_a_row_without_a_value_has_that_of_an_equal_row(project: Project, path: Path):
    other = write_jsonl(path.parent / "b.jsonl", [row(2), row(7), row(2)])
    import_file(project, ImportSpec(str(other), domain="math"))
    found = bring(project, path, [{"row": 2, "quality": 5}], dataset="a")
    assert (counts(found), found.n_rows, found.n_without) == ({"matched": 1}, 1, 3)
    assert same(values(project), [NAN, NAN, 5.0, NAN, 5.0, NAN, 5.0])
    bring(project, path, [{"dataset": "b", "row": 2, "quality": 6}, {"dataset": "c", "row": 0, "quality": 6}],
          if_named="add")  # fmt: skip
    assert same(values(project), [NAN, NAN, 5.0, NAN, 5.0, NAN, 6.0])


def test_rows_of_several_datasets_need_one_named(project: Project, path: Path):
    other = write_jsonl(path.parent / "b.jsonl", [row(8)])
    import_file(project, ImportSpec(str(other), domain="math"))
    for line in ({"quality": 1}, {"quality": 1, "dataset": "what the data came from"}):
        with pytest.raises(RequestError, match=r"several datasets.*--dataset with one of: a, b"):
            bring(project, path, [line])
    lines = [{"dataset": "b", "row": 0, "quality": 1}, {"dataset": "a", "row": 0, "quality": 2}]
    assert counts(bring(project, path, lines, dataset="a")) == {"matched": 1, "unmatched": 1}
    assert same(values(project), [2.0, NAN, NAN, NAN, NAN])


@pytest.mark.parametrize(
    ("lines", "asked", "message"),
    [
        ([{"x": 1, "y": 2}], {}, r"several could contain its values.*--column with one of: x, y"),
        ([{"x": 1}], {"column": "y"}, r"no record has the column 'y'.*columns are x"),
        ([{"x": 1}], {"key": "sample-id"}, r"no record has the column 'sample_id'"),
        ([{"url": 1, "x": 1}], {"key": "url"}, r"no imported record has a key in the column 'url'.*completion, id, p"),
        ([{"row": 9, "x": 1}], {}, r"none of its 1 lines names a row of the project: line 1 names a, row 9"),
        ([{"x": "high"}, {"x": "low"}], {}, r"none of its 2 lines can be used; 2 times: x is 'high' \(line 1\)"),
        ([{"x": 1}], {"dataset": "b"}, r"no dataset named 'b'"),
        ([{"x": 1}], {"name": ""}, r"a score column cannot be called ''"),
        ([{"x": 1}], {"name": "a:b"}, r"a score column cannot be called 'a:b'"),
        ([{"x": 1}], {"name": "fine-desc"}, r"a score column cannot be called 'fine-desc'"),
        ([{"x": 1}], {"name": "a..b"}, r"'..' has a meaning in links"),
        ([{"x": 1}], {"unit": "u" * 41}, r"cannot be a unit"),
    ],
    ids=[
        "several columns",
        "no such column",
        "no sample id",
        "no such key",
        "no such row",
        "no number",
        "no such dataset",
        "no name",
        "a colon",
        "an order",
        "a range",
        "a long unit",
    ],
)
def test_what_is_refused_in_a_sentence(project: Project, path: Path, lines: list, asked: dict, message: str):
    with pytest.raises(RequestError, match=message):
        bring(project, path, lines, **asked)
    assert list_score_columns(project) == []


def test_a_file_that_is_not_there(project: Project, path: Path):
    with pytest.raises(InputFileError, match="not exist"):
        import_scores(project, ScoreFileSpec(str(path.parent / "no.csv"), "quality"))


def test_one_split_of_a_folder_and_one_revision_of_a_hub_dataset(
    project: Project, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "ratings"
    folder.mkdir()
    for split, value in (("train", 1), ("test", 2)):
        write_jsonl(folder / f"{split}.jsonl", [{"id": "q0", "depth": value}])
    spec = ScoreFileSpec(str(folder), "depth", key="id", split="test")
    assert file_columns(str(folder), split="test").numeric == ("depth",)
    assert import_scores(project, spec).n_lines == 1
    assert values(project, "depth")[0] == 2
    fetched = []
    monkeypatch.setattr(
        "lobass_core.workflows.source_file.fetch_dataset",
        lambda name, revision: fetched.append((name, revision)) or folder,
    )
    hub = replace(spec, path="org/ratings", name="old", column="depth", revision="v1")
    assert import_scores(project, hub, dry_run=True).n_matched == 1
    assert set(fetched) == {("org/ratings", "v1")}
    with pytest.raises(RequestError, match="--revision applies only to a dataset on the Hub"):
        import_scores(project, replace(spec, name="no", revision="v1"))


@pytest.mark.parametrize(("heirs", "counted"), [((1,), {"matched": 2}), ((1, 2), {"matched": 1, "unmatched": 1})])
def test_a_sample_that_is_gone_means_the_one_sample_that_its_rows_read_as(
    project: Project, path: Path, heirs: tuple[int, ...], counted: dict[str, int]
):
    gone, known = "ab" * 32, ids(project)
    with project.store() as store, store.transaction() as cursor:
        keys = [key for (key,) in cursor.execute("SELECT sample_key FROM rows ORDER BY row_key").fetchall()]
        cursor.execute(
            "INSERT INTO samples SELECT * REPLACE (999 AS sample_key, ? AS sample_id, ? AS tie_key)"
            " FROM samples LIMIT 1",
            [gone, int(gone[:16], 16)],
        )
        cursor.executemany("INSERT INTO earlier_samples VALUES (?, 999)", [(keys[row],) for row in heirs])
    lines = [{"sample_id": known[0], "quality": 1.0}, {"sample_id": gone, "quality": 2.0}]
    assert counts(bring(project, path, lines, key="sample-id")) == counted
    assert same(values(project), [1.0, 2.0 if len(heirs) == 1 else NAN, NAN, NAN])
