"""The Import page updates a dataset, sets domains and fetches from the Hub, through the workflows of the commands."""

import json
from pathlib import Path

import huggingface_hub.constants as hub_constants
import pytest
from streamlit.testing.v1 import AppTest

from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.workflows import hub_dataset
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.select import list_selections
from lobass_core.workflows.set_domain import domain_counts
from lobass_core.workflows.status import status
from pages.components.importing import datasets, draft, updating
from tests.pages.conftest import OpenPage, view_text, view_texts
from tests.pages.test_import import button, opened
from tests.scored_files import import_and_score, select_all, write_jsonl
from tests.workflows.fake_hub import COMMIT, fake_hub


@pytest.fixture(autouse=True)
def allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOBASS_IMPORT_DIRS", str(tmp_path))


def row(n: int, answer: str = "") -> dict:
    return {"prompt": f"question {n}", "completion": answer or f"answer {n}", "kind": f"k{n % 2}"}


def opened_at(open_page: OpenPage, project: Project, page: str) -> AppTest:
    app = open_page(project.root, page)
    assert not app.exception
    return app


def counts(app: AppTest) -> list[str]:
    texts = view_texts(app)
    return [texts[texts.index(label) + 1] for label in ("Unchanged", "Changed", "New", "Gone", "Rejected")]


def test_an_update_shows_its_counts_is_written_and_taken_back(open_page: OpenPage, project: Project, tmp_path: Path):
    path = write_jsonl(tmp_path / "set.jsonl", [row(n) for n in range(6)])
    import_and_score(project, (path, "x"))
    select_all(project)
    select_all(project, "twin")
    write_jsonl(path, [row(9), *(row(n, "other" if n == 2 else "") for n in range(5))])
    app = opened(open_page, project, path)
    assert "A dataset named set already exists." in view_text(app)
    next(item for item in app.selectbox if item.key == draft.TARGET).set_value("set").run()
    assert not app.exception
    assert counts(app) == ["4", "1", "1", "1", "0"]
    assert "all: 2 rows fewer." in view_text(app)
    assert f"lobass import {path}" in app.code[0].value.replace("\\\n  ", "")
    assert "--update set" in app.code[0].value
    assert [one.n_rows for one in status(project).datasets] == [6]
    assert status(project).datasets[0].changes == ()
    button(app, "import-update-go").click().run()
    assert not app.exception
    assert "set is updated." in view_text(app)
    assert "1 changed, 1 new, 1 gone." in view_text(app)
    assert button(app, "import-update-next").label == "Score 2 rows"
    assert list_selections(project)[0].n_gone == 2
    assert "2 of the 6 rows are gone from 'twin'" in view_text(opened_at(open_page, project, "export"))
    compared = view_text(opened_at(open_page, project, "compare"))
    assert "gone from 'all'" in compared and "gone from 'twin'" in compared
    assert "updated: 1 changed, 1 new, 1 gone" in view_text(opened_at(open_page, project, "overview"))
    button(app, "import-update-undo").click().run()
    assert not app.exception
    assert list_selections(project)[0].n_gone == 0
    assert counts(app) == ["4", "1", "1", "1", "0"]


def test_a_large_file_is_compared_when_asked(
    open_page: OpenPage, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write_jsonl(tmp_path / "set.jsonl", [row(0)])
    import_file(project, ImportSpec(str(path), domain="x"))
    monkeypatch.setattr(updating, "MAX_BYTES_UNASKED", 10)
    app = opened(open_page, project, path, **{draft.TARGET: "set"})
    assert not [item for item in app.button if item.key == "import-update-go"]
    button(app, "import-update-compare").click().run()
    assert "set already matches these files." in view_text(app)
    assert button(app, "import-update-go").disabled


def test_datasets_show_their_changes_and_their_domains_can_be_set(
    open_page: OpenPage, project: Project, tmp_path: Path
):
    path = write_jsonl(tmp_path / "set.jsonl", [row(n) for n in range(3)])
    import_file(project, ImportSpec(str(path), domain="x"))
    app = opened(open_page, project, tmp_path, **{datasets.HOW: draft.A_FIELD})
    next(item for item in app.selectbox if item.key == datasets.FIELD).set_value("kind").run()
    assert "lobass set-domain set" in app.code[-1].value
    button(app, "import-set-domain-go").click().run()
    assert not app.exception
    assert domain_counts(project, "set") == {"k0": 2, "k1": 1}
    assert "domain: by the column kind (3 rows)" in view_text(app)
    button(app, "import-undo-domain").click().run()
    assert domain_counts(project, "set") == {"x": 3}
    assert "undone" in view_text(app)
    assert not [item for item in app.button if item.key in ("import-undo-domain", "import-undo-update")]


def test_a_hub_dataset_is_fetched_when_asked(
    open_page: OpenPage, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    splits = [{"split": "train", "path": "a.jsonl"}, {"split": "test", "path": "b.jsonl"}]
    card = f"---\n{json.dumps({'configs': [{'config_name': 'default', 'data_files': splits}]})}\n---\n"
    files = {
        "README.md": card.encode(),
        "a.jsonl": b"".join(json.dumps(row(n)).encode() + b"\n" for n in range(3)),
        "b.jsonl": json.dumps(row(7)).encode() + b"\n",
    }
    monkeypatch.setattr(hub_constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub_constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(hub_dataset, "_fetched", {})
    with fake_hub(files, "token") as (endpoint, fetched):
        monkeypatch.setattr(hub_constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(
            hub_constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        app = opened(open_page, project, "org/open", **{draft.DOMAIN: "x"})
        assert fetched == []
        assert "Not downloaded yet." in view_text(app)
        next(item for item in app.text_input if item.key == draft.ASKED_REVISION).set_value("v9").run()
        button(app, "import-hub-fetch").click().run()
        assert "has no revision 'v9'" in app.error[0].proto.title.replace("\\", "")
        next(item for item in app.text_input if item.key == draft.ASKED_REVISION).set_value("main").run()
        button(app, "import-hub-fetch").click().run()
        assert not app.exception
        assert sorted(fetched) == ["README.md", "a.jsonl", "b.jsonl"]
    kept = (draft.HUB, draft.REVISION, draft.SPLIT)
    # The Hub is not asked again: the commit is here.
    assert button(app, "import-go").label == "Import 4 rows"
    next(item for item in app.text_input if item.key == draft.SPLIT).set_value("test").run()
    assert button(app, "import-go").label == "Import 1 rows"
    assert f"--revision {COMMIT}" in app.code[0].value
    assert "--split test" in app.code[0].value
    app = opened(open_page, project, "org/open", **{key: app.session_state[key] for key in kept}, **{draft.DOMAIN: "x"})
    button(app, "import-go").click().run()
    assert not app.exception
    assert [(one.name, one.n_rows) for one in status(project).datasets] == [("open", 1)]
    # Scores are read from the files that were fetched.
    asked = {draft.HUB: "org/open", draft.REVISION: COMMIT, draft.TARGET: draft.SCORES}
    assert "No lines matched yet." in view_text(opened(open_page, project, "org/open", **asked))
    # The commit says nothing about another file.
    state = {draft.HUB: "org/open", draft.REVISION: COMMIT}
    app = opened(open_page, project, write_jsonl(tmp_path / "own.jsonl", [row(0)]), **state)
    assert not app.error
    assert button(app, "import-go").label == "Import 1 rows"
