"""What the Import page may read: allowed folders, uploads, links, addresses, datasets of the Hub."""

from pathlib import Path

import pytest

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.workflows.uploads import keep_upload
from pages.components import server_paths
from pages.components.importing import draft
from tests.pages.conftest import OpenPage, view_text, view_texts
from tests.pages.import_page import (
    allowed,  # noqa: F401
    button,
    lines,
    opened,
)


def test_paths_outside_are_refused(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to("/etc/passwd")
    for path in ("/etc/passwd", tmp_path / ".." / ".." / "etc", tmp_path / "link.jsonl"):
        app = opened(open_page, project, path)
        assert len(app.error) == 1
        assert "LOBASS\\_IMPORT\\_DIRS" in app.error[0].value
        assert "root:" not in view_text(app)
    assert [entry.path.name for entry in server_paths.listing(tmp_path, project)] == ["project"]


def test_allowed_folders_default(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOBASS_IMPORT_DIRS")
    monkeypatch.setenv("PWD", str(tmp_path / "project"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert server_paths.allowed_folders(project) == (project.root, (tmp_path / "home"))
    assert server_paths.checked("runs", project) == project.runs_dir
    with pytest.raises(RequestError, match="outside the folders"):
        server_paths.checked("../x", project)
    with pytest.raises(RequestError, match="not a valid path"):
        server_paths.checked("a\0b", project)


def test_uploads_stay_in_their_folder(project: Project) -> None:
    path = keep_upload(project, "../../etc/pass wd?.jsonl", b"{}")
    assert path.parent.parent == project.root / "uploads"
    assert path.name == "pass wd_.jsonl"
    assert path.read_bytes() == b"{}"
    assert keep_upload(project, "../../etc/pass wd?.jsonl", b"{}") == path
    assert keep_upload(project, "..", b"x").name == "upload"


def test_a_link_in_a_folder_cannot_lead_outside(
    open_page: OpenPage, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "part.jsonl").symlink_to(lines(tmp_path))
    monkeypatch.setenv("LOBASS_IMPORT_DIRS", str(inside))
    for path in (inside, inside / "*.jsonl"):
        app = opened(open_page, project, path, **{draft.WHOLE: str(inside)})
        assert "LOBASS\\_IMPORT\\_DIRS" in app.error[0].value
        assert "Add 1" not in view_text(app)


def test_the_file_and_how_it_is_read_are_in_the_address(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    path = lines(tmp_path)
    state = {draft.FORMAT: "columns", draft.mapping_key("prompt"): "instruction", draft.SKIP_LINES: 1}
    state |= {draft.mapping_key("response"): "output", draft.DOMAIN: "sums", draft.NAME: "tasks"}
    app = opened(open_page, project, path, **state)
    address = {name: value for name, value in app.query_params.items() if value}
    assert address == {
        "path": str(path),
        "format": "columns",
        "domain": "sums",
        "name": "tasks",
        "skip-lines": "1",
        "map": ["prompt=instruction", "response=output"],
    }
    again = open_page(project.root, "import_data", query=address)
    assert not again.exception
    assert view_texts(again) == view_texts(app)
    assert again.code[0].value == app.code[0].value
    assert button(again, "import-go").label == "Import 19 rows"


def test_a_dataset_of_the_hub_is_not_fetched_by_a_link(open_page: OpenPage, project: Project) -> None:
    app = open_page(project.root, "import_data", query={"path": "org/name", "revision": "v2"})
    assert not app.exception
    assert "Not downloaded yet." in view_text(app)
    assert app.text_input(key=draft.ASKED_REVISION).value == "v2"


def test_a_path_of_an_address_is_checked_like_a_typed_one(open_page: OpenPage, project: Project) -> None:
    app = open_page(project.root, "import_data", query={"path": "/etc/passwd", "whole": "yes"})
    assert not app.exception
    assert "outside the folders" in app.error[0].proto.title


def test_rules_for_domains_are_in_the_address(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    query = {"path": str(lines(tmp_path)), "domain": "rest", "domain-rule": ["kind=k0:even", "kind=a:b:c"]}
    app = open_page(project.root, "import_data", query=query)
    assert not app.exception
    assert "--domain-rule kind=k0:even" in app.code[0].value and "--domain-rule kind=a:b:c" in app.code[0].value
    texts = view_texts(app)
    assert [texts[texts.index(name) + 1] for name in ("even", "rest")] == ["10", "10"]
    assert {name: value for name, value in app.query_params.items() if value} == query


def test_rules_of_the_editor_are_those_it_began_with_as_they_were_changed() -> None:
    first = (("kind", "a", "one"), ("kind", "b", "two"), ("kind", "c", "three"))
    edits = {
        "edited_rows": {0: {"domain": "first"}, "2": {"is": "d"}},
        "deleted_rows": [1],
        "added_rows": [{"field": "kind", "is": "e", "domain": "five"}, {"field": "kind"}],
    }
    assert draft.rules(edits, first) == (("kind", "a", "first"), ("kind", "d", "three"), ("kind", "e", "five"))
    assert draft.rules({"edited_rows": {0: {"field": "f", "is": "x", "domain": "d"}}}) == (("f", "x", "d"),)
    assert draft.rules(None, first) == first
    assert draft.rules(None) == ()
