"""Every page stays up in a project some of whose runs have a damaged file."""

import pytest

from lobass_core.project import Project
from tests.damaged_runs import a_folder, cut_off, finished_run, in_latin_1
from tests.pages.conftest import OpenPage

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "page", ["overview", "import_data", "score", "learnability", "select", "browse", "compare", "export"]
)
def test_pages_stay_up(scored: Project, open_page: OpenPage, page: str) -> None:
    for damage, file in ((cut_off, "spec.json"), (in_latin_1, "progress.json"), (a_folder, "result.json")):
        damage(finished_run(scored.runs_dir).path / file)
    app = open_page(scored.root, page)
    assert not app.exception
    assert not app.error
