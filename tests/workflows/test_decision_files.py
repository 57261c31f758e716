"""Decisions, tags and notes out of a project and into one."""

import csv
import json

import pytest

from lobass_core.errors import EmptyFileError, ReadOnlyError, RequestError
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.store.decisions import DecisionAct, add_tag, append_decisions, remove_tag, set_note
from lobass_core.store.standing import standing_decisions_of, standing_notes_of, standing_tags_of
from lobass_core.workflows import decide
from lobass_core.workflows.decide import Act
from lobass_core.workflows.decision_files import export_decisions, import_decisions, imports
from lobass_core.workflows.decision_merge import Counted
from tests.filled_project import Row, import_rows
from tests.read_only import read_only

ROWS = [Row(f"Ask {n}", f"Answer {n}") for n in range(6)]
HOSTILE = '=HYPERLINK("http://example.com")'


@pytest.fixture
def project(tmp_path):
    made = Project.create(tmp_path / "p")
    import_rows(made, ROWS)
    yield made
    release(made.store_path)


def other_project(tmp_path, rows=ROWS, name="first"):
    made = Project.create(tmp_path / "other")
    import_rows(made, rows, name)
    return made


def curate(project, monkeypatch):
    """Six samples with everything that can stand on them, by three authors at their own times."""
    acts = [
        ("anna", "2026-01-01T10:00:00+00:00", DecisionAct("d0", 0, "keep", "rare, and right")),
        ("anna", "2026-01-01T10:00:00+00:00", DecisionAct("d1", 1, "drop", HOSTILE)),
        ("ben", "2026-01-02T10:00:00+00:00", DecisionAct("d2", 1, "keep")),
        ("", "2026-01-03T10:00:00+00:00", DecisionAct("d3", 2, "drop", "'=quoted already")),
        ("anna", "2026-01-04T10:00:00+00:00", DecisionAct("d4", 3, "keep")),
        ("anna", "2026-01-05T10:00:00+00:00", DecisionAct("d5", 3, "undecided")),
    ]
    with project.store() as store, store.transaction() as cursor:
        for author, now, act in acts:
            monkeypatch.setattr("lobass_core.store.decisions.utc_now", lambda now=now: now)
            append_decisions(
                cursor, [DecisionAct(act.decision_id, act.sample_key, act.verdict, act.reason, "", author)]
            )
        monkeypatch.setattr("lobass_core.store.decisions.utc_now", lambda: "2026-01-01T10:00:00+00:00")
        add_tag(cursor, "t0", 0, "odd, with a comma", "anna")
        add_tag(cursor, "t1", 0, '"quoted"', "anna")
        add_tag(cursor, "t2", 0, "gone", "anna")
        remove_tag(cursor, 0, "gone", "ben")
        monkeypatch.setattr("lobass_core.store.decisions.utc_now", lambda: "2026-02-01T10:00:00+00:00")
        add_tag(cursor, "t3", 4, "-minus", "ben")
        set_note(cursor, "n0", 5, "first", "ben")
        set_note(cursor, "n1", 5, "@two\nlines ñ 😀", "ben")
        set_note(cursor, "n2", 4, "undone", "ben")
        set_note(cursor, "n3", 4, "", "ben")
    monkeypatch.undo()


def standing(project):
    """All that stands, by sample id."""
    with project.store() as store:
        cursor = store.cursor()
        ids = dict(cursor.execute("SELECT sample_key, sample_id FROM samples").fetchall())
        kinds = standing_decisions_of(cursor), standing_tags_of(cursor), standing_notes_of(cursor)
    return [[(ids[one.sample_key], one.text, one.reason, one.author, one.made_at) for one in kind if one.text]
            for kind in kinds]  # fmt: skip


def wipe(project):
    with project.store() as store, store.transaction() as cursor:
        for table in ("decisions", "tags", "notes"):
            cursor.execute(f"DELETE FROM {table}")


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_out_and_in_again_gives_the_same(project, tmp_path, monkeypatch, ending):
    curate(project, monkeypatch)
    before = standing(project)
    assert [len(kind) for kind in before] == [4, 3, 1]
    path = tmp_path / f"work.{ending}"
    assert export_decisions(project, path) == 7
    again = tmp_path / f"again.{ending}"
    wipe(project)
    found = import_decisions(project, path)
    # Beside what stands, a tag that was taken off and a note that was emptied.
    assert (found.n_by_id, found.n_lines, found.n_added, found.conflicts) == (7, 7, 10, ())
    assert standing(project) == before
    export_decisions(project, again)
    assert again.read_bytes() == path.read_bytes()


def test_what_stands_already_is_not_written_again(project, tmp_path, monkeypatch):
    curate(project, monkeypatch)
    path = tmp_path / "work.csv"
    export_decisions(project, path)
    before = standing(project)
    found = import_decisions(project, path)
    assert (found.n_added, found.conflicts) == (0, ())
    assert (found.decisions, found.tags, found.notes) == (Counted(n_same=4), Counted(n_same=4), Counted(n_same=2))
    assert (standing(project), imports(project)) == (before, [])


def test_no_cell_of_the_table_is_run_by_a_spreadsheet(project, tmp_path, monkeypatch):
    curate(project, monkeypatch)
    with project.store() as store, store.transaction() as cursor:
        cursor.execute("UPDATE datasets SET name = '+sum'")
    export_decisions(project, tmp_path / "work.csv")
    with (tmp_path / "work.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")] == []
    assert {"'+sum", "'-minus", "'@two\nlines ñ 😀", "''=quoted already"} <= set(cells)


def test_rows_stand_for_samples_whose_ids_are_unknown(project, tmp_path):
    path = write(
        tmp_path / "work.jsonl",
        {"sample_id": "f" * 64, "dataset": "first", "row_index": 2, "decision": "drop"},
        {"dataset": "first", "row_index": 3, "tags": ["odd"]},
        {"sample_id": "e" * 64, "dataset": "first", "row_index": 99, "decision": "keep"},
        {"sample_id": "d" * 64, "decision": "keep"},
    )
    found = import_decisions(project, path)
    assert (found.n_by_id, found.n_by_row) == (0, 2)
    assert [(line.line, line.reason) for line in found.unmatched] == [
        (3, "no such sample in the project: eeeeeeeeeeee, first, row 99"),
        (4, "no such sample in the project: dddddddddddd"),
    ]
    ids = [row.sample().sample_id for row in ROWS]
    decisions, tags, _ = standing(project)
    assert [one[:2] for one in decisions] == [(ids[2], "drop")]
    assert [one[:2] for one in tags] == [(ids[3], "odd")]


def test_the_id_counts_before_the_row(project, tmp_path):
    known = ROWS[5].sample().sample_id
    path = write(tmp_path / "work.jsonl", {"sample_id": known, "dataset": "first", "row_index": 0, "decision": "keep"})
    assert import_decisions(project, path).n_by_id == 1
    assert [one[0] for one in standing(project)[0]] == [known]


def test_lines_that_are_not_right_are_set_aside_with_line_and_reason(project, tmp_path):
    good = {"dataset": "first", "row_index": 0, "decision": "keep"}
    path = tmp_path / "work.jsonl"
    lines = [
        good,
        {**good, "decision": "maybe"},
        {"decision": "keep"},
        {"dataset": "first", "decision": "keep"},
        {**good, "row_index": -1},
        {**good, "sample_id": "abc"},
        {**good, "made_at": "2026-01-01"},
        {**good, "made_at": "2999-01-01T00:00:00Z"},
        {**good, "decision": "", "reason": "why"},
        {**good, "tags": ["x" * 61]},
        {**good, "tags": 'a, "b'},
        {**good, "note": "x" * 10_001},
        {**good, "author": "a\x1bb"},
        {"dataset": "first", "row_index": 1},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"broken": \n[1]\n')
    found = import_decisions(project, path)
    reasons = [(line.line, line.reason) for line in found.bad]
    assert [line for line, _ in reasons] == [*range(2, 14), 15, 16]
    assert reasons[0] == (2, "decision 'maybe' is not one of keep, drop, undecided")
    assert reasons[1][1] == "names no sample: it needs a sample_id, or a dataset and row_index"
    assert reasons[6][1] == "made_at '2999-01-01T00:00:00Z' is in the future"
    assert reasons[7][1] == "has a reason but no decision"
    assert (found.n_lines, found.n_blank, found.n_by_row, found.decisions.n_new) == (16, 1, 1, 1)


def test_a_file_of_something_else_is_refused(project, tmp_path):
    path = write(tmp_path / "work.jsonl", {"instruction": "Ask", "output": "Answer"})
    with pytest.raises(RequestError, match="none of the columns of a decisions file; it has instruction, output"):
        import_decisions(project, path)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(EmptyFileError):
        import_decisions(project, tmp_path / "empty.csv")
    with pytest.raises(RequestError, match="unknown rule 'loudest' for conflicts"):
        import_decisions(project, path, "loudest")


def test_columns_that_nobody_reads_are_named(project, tmp_path):
    path = write(tmp_path / "work.jsonl", {"dataset": "first", "row_index": 0, "decision": "keep", "prompt": "Ask 0"})
    assert import_decisions(project, path).ignored_columns == ("prompt",)


@pytest.mark.parametrize(
    ("rule", "kept"), [("newest", ["drop", "keep", "keep"]), ("theirs", ["drop"] * 3), ("mine", ["keep"] * 3)]
)
def test_conflicts_are_settled_by_the_rule_that_is_named(project, tmp_path, monkeypatch, rule, kept):
    monkeypatch.setattr("lobass_core.store.bulk_acts.utc_now", lambda: "2026-01-02T00:00:00+00:00")
    monkeypatch.setenv("LOBASS_AUTHOR", "ben")
    ids = [row.sample().sample_id for row in ROWS[:3]]
    decide.decide(project, ids, "keep")
    times = ("2026-01-03T00:00:00+00:00", "2026-01-02T01:00:00+01:00", "")
    rows = [
        {"sample_id": one, "decision": "drop", "author": "anna", "made_at": at}
        for one, at in zip(ids, times, strict=True)
    ]
    path = write(tmp_path / "work.jsonl", *rows)
    planned = import_decisions(project, path, rule, dry_run=True)
    assert [one[1] for one in sorted(standing(project)[0], key=lambda one: ids.index(one[0]))] == ["keep"] * 3
    found = import_decisions(project, path, rule)
    assert planned.conflicts == found.conflicts
    assert [(one.line, one.mine.author, one.theirs.author) for one in found.conflicts] == [
        (line, "ben", "anna") for line in (1, 2, 3)
    ]
    assert found.decisions.n_theirs == kept.count("drop")
    verdicts = {one[0]: one[1] for one in standing(project)[0]}
    assert [verdicts[one] for one in ids] == kept


def test_of_two_lines_on_one_sample_the_newer_counts(project, tmp_path):
    one = {"dataset": "first", "row_index": 0}
    path = write(
        tmp_path / "work.jsonl",
        {**one, "decision": "drop", "made_at": "2026-01-02T00:00:00Z"},
        {**one, "decision": "keep", "made_at": "2026-01-01T00:00:00Z"},
    )
    found = import_decisions(project, path)
    assert (found.n_outdated, [decision[1] for decision in standing(project)[0]]) == (1, ["drop"])


def test_a_tag_that_was_taken_off_later_stays_off(project, tmp_path, monkeypatch):
    curate(project, monkeypatch)
    sample_id = ROWS[0].sample().sample_id
    path = write(tmp_path / "work.jsonl", {"sample_id": sample_id, "tags": ["gone"], "made_at": "2025-12-31T00:00:00Z"})
    found = import_decisions(project, path)
    assert (found.tags.n_mine, [one.kind for one in found.conflicts]) == (1, ["tag"])
    assert import_decisions(project, path, "theirs").tags.n_theirs == 1
    assert "gone" in [one[1] for one in standing(project)[1]]


@pytest.mark.parametrize(
    ("ending", "rule", "is_gone"), [("csv", "newest", True), ("jsonl", "theirs", True), ("csv", "mine", False)]
)
def test_what_was_taken_away_travels(project, tmp_path, monkeypatch, ending, rule, is_gone):
    source = other_project(tmp_path)
    key, sample_id = 2, ROWS[2].sample().sample_id
    with source.store() as store, store.transaction() as cursor:
        monkeypatch.setattr("lobass_core.store.decisions.utc_now", lambda: "2026-01-01T10:00:00+00:00")
        add_tag(cursor, "t", key, "odd", "anna")
        set_note(cursor, "n", key, "look again", "anna")
    export_decisions(source, tmp_path / "first.csv")
    import_decisions(project, tmp_path / "first.csv")
    before = standing(project)
    assert [[one[1] for one in kind] for kind in before] == [[], ["odd"], ["look again"]]
    with source.store() as store, store.transaction() as cursor:
        monkeypatch.setattr("lobass_core.store.decisions.utc_now", lambda: "2026-01-02T10:00:00+00:00")
        remove_tag(cursor, key, "odd", "ben")
        set_note(cursor, "n2", key, "", "ben")
    path = tmp_path / f"second.{ending}"
    assert export_decisions(source, path) == 1
    if ending == "csv":
        (row,) = csv.DictReader(path.open(newline=""))
        assert (row["removed_tags"], row["removed_note"], row["author"]) == ("odd", "yes", "ben")
    found = import_decisions(project, path, rule)
    assert [(one.kind, one.mine.words, one.theirs.words, one.theirs.author) for one in found.conflicts] == [
        ("tag", "odd", "", "ben"),
        ("note", "look again", "", "ben"),
    ]
    assert standing(project) == ([[], [], []] if is_gone else before)
    if is_gone:
        assert import_decisions(project, path, rule).n_added == 0
        decide.undo(project)
        assert standing(project) == before
    # A file from before there were these columns says nothing of the kind.
    old = write(tmp_path / "old.jsonl", {"sample_id": sample_id, "decision": "keep", "tags": [], "note": ""})
    assert import_decisions(project, old).n_added == 1
    assert standing(project)[1:] == before[1:]
    release(source.store_path)


def test_one_undo_takes_back_all_that_a_file_brought(project, tmp_path, monkeypatch):
    source = other_project(tmp_path)
    curate(source, monkeypatch)
    export_decisions(source, tmp_path / "annas.csv")
    release(source.store_path)
    monkeypatch.setenv("LOBASS_AUTHOR", "carl")
    ids = [row.sample().sample_id for row in ROWS]
    decide.decide(project, ids[:2], "drop", "mine")
    decide.apply(project, [Act("n", "note", 5, "my note")])
    before = standing(project)
    import_decisions(project, tmp_path / "annas.csv", "theirs")
    assert standing(project) == standing(source)
    (logged,) = imports(project)
    assert (logged.file, logged.made_by, logged.n_decisions, logged.n_tags, logged.n_notes) == (
        "annas.csv",
        "carl",
        4,
        4,
        2,
    )
    assert [one.file for one in decide.log(project, 5)] == ["annas.csv"] * 4 + [""]
    undone = decide.undo(project)
    assert (len(undone.decisions), undone.imported.file) == (4, "annas.csv")
    assert standing(project) == before
    assert imports(project)[0].undone_at
    assert len(decide.undo(project).decisions) == 2
    release(source.store_path)


def test_a_file_of_tags_alone_is_undone_too(project, tmp_path):
    ids = [row.sample().sample_id for row in ROWS]
    decide.decide(project, ids[:1], "keep")
    path = write(tmp_path / "tags.jsonl", {"sample_id": ids[0], "tags": ["odd"]})
    import_decisions(project, path)
    decide.decide(project, ids[1:2], "drop")
    assert decide.undo(project).imported is None
    assert decide.undo(project).imported.n_tags == 1
    assert [len(kind) for kind in standing(project)] == [1, 0, 0]
    assert import_decisions(project, path).tags.n_new == 1


def test_a_project_that_may_be_read_tells_what_would_change(project, tmp_path):
    path = write(tmp_path / "work.jsonl", {"dataset": "first", "row_index": 0, "decision": "keep", "tags": ["x"]})
    release(project.store_path)
    with read_only(project.root):
        assert import_decisions(project, path, dry_run=True).n_added == 2
        with pytest.raises(ReadOnlyError):
            import_decisions(project, path)
        release(project.store_path)


def test_nothing_to_write_and_other_endings_are_refused(project, tmp_path):
    with pytest.raises(RequestError, match="the project has no decisions, tags or notes yet"):
        export_decisions(project, tmp_path / "work.csv")
    decide.decide(project, [ROWS[0].sample().sample_id], "keep")
    with pytest.raises(RequestError, match=r"'.xlsx' is not a file type for decisions"):
        export_decisions(project, tmp_path / "work.xlsx")
    assert list(tmp_path.glob("*work*")) == []
