"""An older project in the dashboard: it is updated and says so; one of a newer program is refused in a sentence."""

from pathlib import Path

import duckdb
import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.pages.conftest import OpenPage, view_text
from tests.store.old_projects import unpack


@pytest.fixture
def old(tmp_path: Path):
    project, _ = unpack("project-v1", tmp_path)
    yield project
    release(project.store_path)


def test_the_overview_says_what_the_update_changed_until_the_copy_is_deleted(old: Project, open_page: OpenPage):
    app = open_page(old.root)
    assert not app.exception
    shown = view_text(app)
    copy = old.root / "store-v1.duckdb"
    assert "This project was updated for this version of LoBaSS on " in shown
    assert "rows are read differently now (" in shown
    assert f"A copy of the old store is in {copy}" in shown
    copy.unlink()
    app.run()
    assert "was updated for this version" not in view_text(app)


def test_a_project_of_a_newer_program_is_refused_in_a_sentence(old: Project, open_page: OpenPage):
    with duckdb.connect(str(old.store_path)) as newer:
        newer.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    app = open_page(old.root)
    assert not app.exception
    (shown,) = app.error
    assert "newer version of LoBaSS made this store: it has version 99" in shown.title.replace("\\", "")
