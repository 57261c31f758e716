"""A project that was moved to another folder or machine finds what is its own, and says what is missing."""

import pytest

from lobass_core.errors import LobassError
from lobass_core.specs import ExportSpec, ImportSpec, ModelSpec, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import browse, decide
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.bundle import plan_bundle, write_bundle
from lobass_core.workflows.clean import cleanable
from lobass_core.workflows.export import export, past_exports
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.known_models import known_models
from lobass_core.workflows.references import resolve_reference
from lobass_core.workflows.select import save
from lobass_core.workflows.status import status
from lobass_core.workflows.unbundle import unbundle
from lobass_core.workflows.uploads import keep_upload
from tests.moved import moved_copy, whole_project


@pytest.fixture
def project(tmp_path):
    made = whole_project(tmp_path / "mine")
    yield made
    release(made.store_path)


@pytest.fixture
def moved(project, tmp_path):
    found = moved_copy(project, tmp_path / "elsewhere" / "theirs")
    yield found
    release(found.store_path)


def test_it_finds_its_own_reference_and_exports(project, tmp_path):
    before = status(project)
    places = [(model.name, model.place) for model in before.models]
    assert ("ref-1ep", "trained here") in places
    moved = moved_copy(project, tmp_path / "theirs")
    now = status(moved)
    assert [(model.name, model.place) for model in now.models] == places
    assert {model.path for model in now.models} == {str(moved.models_dir / "base-7b"), str(moved.models_dir / "ref")}
    (past,) = past_exports(moved)
    assert (past.logged.folder, past.state) == (str(moved.exports_dir / "best"), "matches disk")
    assert known_models(moved).trained_here == ("ref",)
    assert resolve_reference(moved, "ref", ModelSpec("org/base")).trained_from.path == str(moved.models_dir / "base-7b")
    release(moved.store_path)


def test_nothing_that_a_scoring_names_is_offered_for_removal(project, tmp_path):
    assert [item.path for item in cleanable(project)] == []
    moved = moved_copy(project, tmp_path / "theirs")
    assert [item.path for item in cleanable(moved)] == []
    release(moved.store_path)


def test_uploads_stay_known_as_imported(project, tmp_path, monkeypatch):
    path = keep_upload(project, "more.jsonl", b'{"instruction": "Ask", "output": "Answer"}\n')
    import_file(project, ImportSpec(path=str(path), domain="more"))
    monkeypatch.setattr("lobass_core.workflows.clean.UPLOAD_SECONDS", -1.0)
    moved = moved_copy(project, tmp_path / "theirs")
    assert [item.path for item in cleanable(moved) if item.kind == "upload"] == []
    assert status(moved).datasets[-1].path == str(moved.root / path.relative_to(project.root))
    release(moved.store_path)


def test_selecting_deciding_and_exporting_go_on_and_give_the_same_bytes(project, tmp_path):
    first = export(project, ExportSpec(selection="best", to=str(tmp_path / "first"), check=False))
    moved = moved_copy(project, tmp_path / "theirs")
    second = export(moved, ExportSpec(selection="best", to=str(tmp_path / "second"), check=False))
    assert second.manifest_sha256 == first.manifest_sha256
    rows = browse.read_page(moved, browse.find(moved, BrowseFilter()))
    assert decide.decide(moved, [rows[-1].stored.sample_id], "keep") == 1
    save(moved, "more", SelectionSpec(budget="samples", value=7))
    assert export(moved, ExportSpec(selection="more", to=str(moved.exports_dir / "more"), check=False)).n_written == 7
    release(moved.store_path)


def test_the_copy_never_reaches_into_the_project_that_it_is_a_copy_of(project, tmp_path):
    write_bundle(project, plan_bundle(project), tmp_path / "mine.zip")
    copy = unbundle(tmp_path / "mine.zip", tmp_path / "theirs")
    assert project.root.exists()
    assert [model.place for model in status(copy).models] == ["missing", "missing"]
    assert past_exports(copy)[0].state == "gone"
    assert known_models(copy).references == ()
    with pytest.raises(LobassError, match="the weights of reference 'ref' are not in this project"):
        resolve_reference(copy, "ref", ModelSpec("org/base"))
    assert "--base MODEL --reference MODEL" in _score_command(copy)
    release(copy.store_path)


def _score_command(project):
    path = project.root.parent / "new.jsonl"
    path.write_text('{"instruction": "Ask", "output": "Answer"}\n')
    import_file(project, ImportSpec(path=str(path), domain="more"))
    return status(project).next_step.command
