"""Every page of a project whose old place is gone, with and without the right to write."""

from pathlib import Path

import pytest

from lobass_core.files.read_only import VARIABLE
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows.bundle import plan_bundle, write_bundle
from lobass_core.workflows.unbundle import unbundle
from tests.folder_state import folder_state
from tests.moved import moved_copy, whole_project
from tests.pages.test_read_only import PAGES


def open_all(open_page, project: Project):
    """Every page in one session, each seen without an error; returns the last."""
    app = open_page(project.root)
    for page in PAGES:
        app.switch_page(f"../{page}.py")
        app.run()
        assert not app.exception, page
        assert [item.value for item in app.error] == [], page
    return app


def bundled(folder: Path) -> Project:
    """What a bundle brought to another folder, the project that it was made from gone."""
    project = whole_project(folder / "mine")
    write_bundle(project, plan_bundle(project), folder / "mine.zip")
    opened = unbundle(folder / "mine.zip", folder / "theirs")
    moved_copy(project, folder / "gone")
    return opened


def moved(folder: Path) -> Project:
    return moved_copy(whole_project(folder / "mine"), folder / "theirs")


@pytest.mark.slow
@pytest.mark.parametrize("place", [moved, bundled], ids=lambda place: place.__name__)
def test_every_page_opens_read_only_and_writes_nothing(open_page, tmp_path, monkeypatch, place):
    project = place(tmp_path)
    release(project.store_path)
    before = folder_state(project.root)
    monkeypatch.setenv(VARIABLE, "1")
    app = open_all(open_page, project)
    release(project.store_path)
    notice = app.info[0]
    assert (notice.proto.title, "without --read-only" in notice.value) == ("This project is read-only", True)
    assert folder_state(project.root) == before


@pytest.mark.slow
def test_every_page_of_a_moved_project_opens_to_be_written(open_page, tmp_path):
    open_all(open_page, moved(tmp_path))
