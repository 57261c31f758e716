"""lobass decisions export and import, as two people would use them."""

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.filled_project import Row, import_rows

ROWS = [Row(f"Ask {n}", f"Answer {n}") for n in range(3)]
IDS = [row.sample().sample_id for row in ROWS]


@pytest.fixture
def projects(tmp_path):
    """The same rows in two projects, one Anna's, one Ben's."""
    made = [Project.create(tmp_path / name) for name in ("anna", "ben")]
    for project in made:
        import_rows(project, ROWS)
        release(project.store_path)
    yield made
    for project in made:
        release(project.store_path)


def test_annas_work_reaches_ben(lobass, projects, tmp_path, monkeypatch):
    anna, ben = (project.root for project in projects)
    monkeypatch.setenv("LOBASS_AUTHOR", "anna")
    lobass("decide", "drop", IDS[0], "--reason", "wrong sum", "-p", anna)
    lobass("decide", "tag", IDS[1], "--text", "odd", "-p", anna)
    file = tmp_path / "anna.csv"
    assert lobass("decisions", "export", file, "-p", anna, "--json").json == {"file": str(file), "n_lines": 2}

    monkeypatch.setenv("LOBASS_AUTHOR", "ben")
    lobass("decide", "keep", IDS[0], "-p", ben)
    planned = lobass("decisions", "import", file, "-p", ben, "--on-conflict", "theirs", "--dry-run")
    assert "Would add 2 of the decisions, tags and notes in anna.csv" in planned.out
    assert "0 new, 0 unchanged, 1 replaced by the file's, 0 kept" in planned.out
    (conflict,) = [line for line in planned.out.splitlines() if IDS[0][:12] in line]
    assert [word in conflict for word in ("keep", "ben", "drop: wrong sum", "anna", "the file's")] == [True] * 5

    found = lobass("decisions", "import", file, "-p", ben, "--on-conflict", "theirs", "--json").json
    assert (found["n_by_id"], found["decisions"]["n_theirs"], found["conflicts"][0]["taken"]) == (2, 1, "theirs")
    rows = lobass("browse", "-p", ben, "--json").json["rows"]
    assert [(row["verdict"], row["author"], row["tags"]) for row in rows] == [
        ("drop", "anna", []), ("undecided", "", ["odd"]), ("undecided", "", []),
    ]  # fmt: skip
    assert {(act["text"], act["author"]) for act in rows[0]["history"]} == {("keep", "ben"), ("drop", "anna")}
    listed = next(line for line in lobass("browse", "-p", ben).out.splitlines() if IDS[0][:12] in line)
    assert "anna" in listed
    log = lobass("decide", "--log", "-p", ben).out
    assert "anna.csv" in log
    assert "Undid the import of anna.csv" in lobass("decide", "--undo", "-p", ben).out
    assert lobass("browse", "-p", ben, "--json").json["rows"][0]["verdict"] == "keep"


def test_lines_that_are_not_valid_are_shown(lobass, projects, tmp_path):
    path = tmp_path / "work.csv"
    path.write_text("dataset;row_index;decision\nfirst;0;keep\nfirst;1;perhaps\nother;0;drop\n")
    ran = lobass("decisions", "import", path, "-p", projects[0].root)
    assert "decision 'perhaps' is not one of keep, drop, undecided" in ran.out
    assert "no such sample in the project: other, row 0" in ran.out
    assert "Added 1 of the decisions" in ran.out


def test_a_decision_without_an_author_is_of_somebody_unknown(lobass, projects):
    with projects[0].store() as store, store.transaction() as cursor:
        cursor.execute(
            "INSERT INTO decisions (decision_number, decision_id, sample_key, verdict, reason, made_at, batch_id)"
            " VALUES (1, 'old', 0, 'keep', '', '2026-01-01T00:00:00+00:00', '')"
        )
    release(projects[0].store_path)
    assert "unknown" in lobass("decide", "--log", "-p", projects[0].root).out
    assert lobass("browse", "-p", projects[0].root, "--json").json["rows"][0]["author"] == ""
