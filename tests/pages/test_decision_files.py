"""Decisions as a file, on the Browse page: the panel that lists them, what an upload would change, and the import."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import decide
from lobass_core.workflows.decide import Act
from lobass_core.workflows.decision_files import decisions_file, import_decisions
from tests.filled_project import Row, import_rows
from tests.pages.conftest import OpenPage, component_data, view_text

ROWS = [Row(f"Ask {n}", f"Answer {n}") for n in range(3)]
IDS = [row.sample().sample_id for row in ROWS]


@pytest.fixture
def project(tmp_path):
    made = Project.create(tmp_path / "p")
    import_rows(made, ROWS)
    yield made
    release(made.store_path)


@pytest.fixture
def panel(project) -> AppTest:
    """The upload alone: AppTest does not keep a dialog open."""

    def script(root):
        import streamlit as st

        from lobass_core.project import Project
        from pages.components.browsing import decision_files

        decision_files.upload(Project.open(root), lambda found: st.session_state.update(heard=found))

    return AppTest.from_function(script, args=(str(project.root),), default_timeout=30).run()


def sent(app: AppTest, *lines: dict) -> AppTest:
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    return app.file_uploader[0].set_value(("bens.jsonl", data, "application/jsonl")).run()


def test_an_upload_shows_what_it_would_change_and_adds_it(panel, project, monkeypatch):
    monkeypatch.setenv("LOBASS_AUTHOR", "anna")
    decide.decide(project, IDS[:1], "keep", "good <b>sum</b>")
    app = sent(
        panel,
        {"sample_id": IDS[0], "decision": "drop", "author": "ben", "made_at": "2020-01-01T00:00:00Z"},
        {"sample_id": IDS[1], "tags": ["odd"], "author": "ben"},
        {"sample_id": "f" * 64, "decision": "drop"},
        {"sample_id": IDS[1], "decision": "perhaps"},
    )
    assert not app.exception
    text = view_text(app)
    assert "keep: good <b>sum</b> (anna" in text
    assert "drop (ben" in text
    assert "no such sample in the project: ffffffffffff" in text
    assert "decision 'perhaps' is not one of keep, drop, undecided" in text
    assert app.button(key="browse.decisions.go").label == "Add 1"
    assert decide.log(project)[0].verdict == "keep"
    app.segmented_control(key="browse.decisions.rule").set_value("theirs").run()
    assert app.button(key="browse.decisions.go").label == "Add 2"
    command = " ".join(app.code[0].value.replace("\\\n", "").split())
    assert command == f"lobass decisions import bens.jsonl --project {project.root} --on-conflict theirs"
    app.button(key="browse.decisions.go").click().run()
    assert app.session_state["heard"].n_added == 2
    assert (decide.log(project)[0].verdict, decide.log(project)[0].file) == ("drop", "bens.jsonl")


def test_a_file_of_something_else_says_so(panel):
    app = sent(panel, {"instruction": "Ask", "output": "Answer"})
    assert "none of the columns" in app.error[0].proto.title
    assert len(app.button) == 0


def test_the_panel_lists_authors_and_files(open_page: OpenPage, project, tmp_path, monkeypatch):
    monkeypatch.setenv("LOBASS_AUTHOR", "anna")
    decide.decide(project, IDS[:1], "keep")
    path = tmp_path / "bens.jsonl"
    path.write_text(json.dumps({"sample_id": IDS[1], "tags": ["odd"]}) + "\n")
    import_decisions(project, path)
    app = open_page(project.root, "browse")
    app.button(key="browse.log").click().run()
    assert not app.exception
    text = json.dumps(component_data(app))
    assert [word in text for word in ("anna", "bens.jsonl", "Imported files")] == [True] * 3


def test_what_is_downloaded_is_what_stands(project):
    decide.apply(project, [Act("n", "note", 0, "line\nline")])
    assert [json.loads(line)["note"] for line in decisions_file(project, "jsonl").splitlines()] == ["line\nline"]
    assert decisions_file(project, "csv").startswith(b"dataset,row_index,sample_id,decision,")
