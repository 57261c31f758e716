"""The Import page brings in scores for rows that are there: told from the file, matched before, listed and removed."""

from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.import_scores import list_score_columns
from pages.components.importing import draft, score_draft
from tests.pages.conftest import OpenPage, view_text, view_texts
from tests.pages.test_import import button, opened
from tests.scored_files import write_jsonl

NESTED = [{"id": f"q{n}", "text": "x", "Q_scores": {"depth": n}} for n in range(3)]


@pytest.fixture(autouse=True)
def allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOBASS_IMPORT_DIRS", str(tmp_path))


@pytest.fixture
def rows(project: Project, tmp_path: Path) -> Project:
    """Two rows with ids."""
    path = write_jsonl(tmp_path / "a.jsonl", [{"prompt": f"p{n}", "completion": "c", "id": f"q{n}"} for n in range(2)])
    import_file(project, ImportSpec(str(path), domain="math"))
    return project


def numbers(texts: list[str]) -> dict[str, str]:
    labels = ("Matched lines", "No matching row", "Duplicate lines", "No valid value", "Rows with a score")
    return {label: texts[texts.index(label) + 1] for label in labels}


def test_scores_are_matched_imported_and_removed(open_page: OpenPage, rows: Project, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "ratings.jsonl", NESTED)
    app = opened(open_page, rows, path, **{draft.TARGET: draft.SCORES})
    assert app.session_state[score_draft.KEY] == score_draft.BY_COLUMN
    texts = view_texts(app)
    assert numbers(texts) == {
        "Matched lines": "2", "No matching row": "1", "Duplicate lines": "0", "No valid value": "0",
        "Rows with a score": "2",
    }  # fmt: skip
    assert "no imported row has the key q2" in texts
    line = app.code[0].value.replace("\\\n  ", "")
    assert "lobass import-scores" in line
    assert "--name depth --key id --column Q_scores.depth" in line
    assert list_score_columns(rows) == []
    assert button(app, "scores-go").label == "Import 2 scores"
    button(app, "scores-go").click().run()
    assert not app.exception
    assert "Imported depth." in view_text(app)
    assert [(one.name, one.n_rows, one.source) for one in list_score_columns(rows)] == [("depth", 2, "ratings.jsonl")]
    shown = open_page(rows.root, "import_data", state={draft.PATH: str(tmp_path)})
    assert "Imported scores" in view_text(shown)
    shown.selectbox(key="scores.gone").set_value("depth").run()
    button(shown, "scores-remove-go").click().run()
    assert not shown.exception
    assert list_score_columns(rows) == []


def test_a_name_that_is_there_asks_what_to_do(open_page: OpenPage, rows: Project, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "ratings.jsonl", NESTED)
    app = opened(open_page, rows, path, **{draft.TARGET: draft.SCORES})
    button(app, "scores-go").click().run()
    again = opened(open_page, rows, path, **{draft.TARGET: draft.SCORES, score_draft.HIGHER: score_draft.WORSE})
    assert "already" in again.error[0].value + again.error[0].proto.title
    again.segmented_control(key=score_draft.IF_NAMED).set_value(score_draft.REPLACE).run()
    assert "depth will be replaced." in view_text(again)
    assert "--higher-is worse --replace" in again.code[0].value.replace("\\\n  ", "")
    button(again, "scores-go").click().run()
    assert [one.higher_is_better for one in list_score_columns(rows)] == [False]


def test_a_link_opens_the_same_import(open_page: OpenPage, rows: Project, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "q.jsonl", [{"x": 1, "y": 2}, {"x": 3}])
    query = {"path": str(path), "scores": "why", "key": "row", "column": "y", "higher-is": "worse"}
    app = open_page(rows.root, "import_data", query=query)
    assert not app.exception
    assert numbers(view_texts(app))["Matched lines"] == "1"
    assert "Each line is matched to the row at the same position." in view_text(app)
    assert {name: app.query_params[name] for name in query} == query


def test_a_file_without_numbers_says_so(open_page: OpenPage, rows: Project, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "q.jsonl", [{"sample_id": "a", "text": "b"}])
    app = opened(open_page, rows, path, **{draft.TARGET: draft.SCORES})
    assert "The first rows have no column with numbers." in view_text(app)
    assert not [item for item in app.button if item.key == "scores-go"]
