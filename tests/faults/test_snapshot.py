"""The comparison with a twin sees what is lost, doubled or changed, and the table says so."""

from collections import Counter
from pathlib import Path

from tests.faults.records import read_records, recorded
from tests.faults.report import faults_table, put_between, telling
from tests.faults.snapshot import compare, snapshot
from tests.faults.trial import Outcome
from tests.pages.projects import scored_project


def outcome(number: int, **values) -> Outcome:
    fixed = {"moment": 0.5, "lost": {}, "doubled": {}, "stuck": "", "again": 0.0, "said": ()}
    return Outcome("kill", "score", number, 1, **{**fixed, **values})


def test_lost_doubled_and_changed_facts_are_counted():
    twin = {"losses": Counter({("a", 1.0): 1, ("b", 2.0): 1, ("c", 3.0): 1}), "rows": Counter({("a",): 2})}
    assert compare(twin, twin).nothing
    other = {"losses": Counter({("a", 1.0): 2, ("b", 2.5): 1}), "rows": Counter({("a",): 2})}
    found = compare(twin, other)
    assert (found.lost, found.doubled) == ({"losses": 2}, {"losses": 2})


def test_a_project_that_lost_a_loss_and_got_a_row_twice_differs(tmp_path: Path):
    project = scored_project(tmp_path / "project", {"math": 5})
    with project.store():
        pass
    before = _closed(project, tmp_path)
    with project.store() as store, store.transaction() as cursor:
        cursor.execute("DELETE FROM losses WHERE sample_key = (SELECT min(sample_key) FROM losses)")
        cursor.execute("INSERT INTO rows SELECT * FROM rows ORDER BY row_key LIMIT 1")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "rows.jsonl").write_text("{}")
    found = compare(before, _closed(project, tmp_path))
    assert found.lost == {"losses": 2}
    assert found.doubled == {"rows": 1, "exported files": 1}


def _closed(project, folder: Path):
    from lobass_core.store.connection import release

    release(project.store_path)
    return snapshot(folder)


def test_the_table_counts_times_and_names_the_commonest_message():
    said = ("Importing rows: 3 of 3 error: the disk is full (/tmp/x/place/project/store.duckdb). Free some space.",)
    table = faults_table(
        [
            outcome(0, again=0.5, said=said),
            outcome(1, lost={"rows": 7}, said=said),
            outcome(2, doubled={"rows": 1}, stuck="status: no", said=("Added 12 losses computed by run r-0001.",)),
        ]
    )
    message = "error: the disk is full (project/store.duckdb)."
    assert table.splitlines()[-1] == f"| kill | score | 3 | 1 | 1 | 1 | 17%, 50% | {message} |"
    assert telling(("Project project rows 3",)) == "none: the next command does the work"


def test_outcomes_are_kept_and_a_harmful_one_is_tried_again(tmp_path: Path, monkeypatch):
    path = tmp_path / "kept" / "records.jsonl"
    monkeypatch.setenv("LOBASS_FAULT_RECORDS", str(path))
    assert recorded("kill", "score", 0, 1, lambda: outcome(0, stuck="yes")).stuck == "yes"
    assert recorded("kill", "score", 0, 1, lambda: outcome(0)).is_harmless
    with path.open("a") as file:
        file.write('{"fault": "ki')
    assert recorded("kill", "score", 1, 1, lambda: outcome(1)) == outcome(1)
    assert recorded("kill", "score", 0, 1, lambda: outcome(0, stuck="again")) == outcome(0)
    assert read_records(path) == [outcome(0), outcome(1)]


def test_only_what_is_between_the_markers_changes():
    text = "a\n<!-- begin: faults -->\nold\n<!-- end: faults -->\nb"
    assert put_between(text, "faults", "new") == "a\n<!-- begin: faults -->\nnew\n<!-- end: faults -->\nb"
