"""The router: no project, a project in use elsewhere, the shared filter."""

import subprocess
import sys
from pathlib import Path

import pytest

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from pages.components import errors, state
from tests.filled_project import Row, fill
from tests.pages.conftest import OpenPage, component_data, view_text
from tests.pages.projects import add_scores, scored_project

HOLD = "import duckdb, sys, time; connection = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(120)"


def test_no_project_offers_to_make_one(tmp_path: Path, open_page: OpenPage) -> None:
    root = tmp_path / "new"
    app = open_page(root)
    assert "No project is open" in view_text(app)
    assert str(root) in view_text(app)
    app.button(key="no-project-create").click().run()
    assert not app.exception
    assert Project.open(root).name == "new"


@pytest.mark.parametrize("page", ["select", "score", "learnability", "browse", "trust", "compare", "validate"])
def test_a_project_in_use_elsewhere_waits_and_comes_back(
    tmp_path: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    project = scored_project(tmp_path / "project", {"math": 20})
    release(project.store_path)
    patient = Project.store
    monkeypatch.setattr(Project, "store", lambda self, **_: patient(self, wait_seconds=0.2))
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(project.store_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        app = open_page(project.root, page)
        assert not app.exception
        assert app.warning[0].proto.title == "The project is in use elsewhere"
        assert f"PID {holder.pid}" in app.warning[0].value
        assert "reloads by itself" in app.warning[0].value
        holder.kill()
        holder.wait()
        app.button(key="page-error-retry").click().run()
        assert not app.exception and not app.warning
    finally:
        holder.kill()
        holder.wait()


def test_sidebar_offers_scores_and_datasets(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "project", {"code": 10, "math": 20})
    add_scores(project, seed=1, reference_name="ref-2ep", reference_fp="4ef0000000000002")
    app = open_page(project.root, "select")
    picker = app.sidebar.selectbox(key="run")
    assert picker.options == ["base-7b → ref-2ep · r-0002", "base-7b → ref-1ep · r-0001"]
    app.sidebar.multiselect(key="datasets").set_value(["math"]).run()
    assert not app.exception
    # Only the chosen dataset's rows are in scope: one domain is left on the instrument.
    instrument = next(data for data in component_data(app) if "exact" in data)
    assert [domain["name"] for domain in instrument["domains"]] == ["math"]
    assert instrument["n_rows"] == 20
    release(project.store_path)


@pytest.mark.parametrize("page", ["overview", "learnability", "select", "browse"])
def test_scores_that_come_while_a_page_is_drawn_leave_it_with_its_own(
    tmp_path: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    project = scored_project(tmp_path / "project", {"math": 20})
    spec = SelectionSpec(value=0.5)
    app = open_page(project.root, page, state={"select.spec": spec})
    draw = state.sidebar

    def draw_then_score(project: Project) -> None:
        draw(project)
        add_scores(project, gain=0.5, reference_name="ref-2ep", reference_fp="4ef0000000000002")

    with monkeypatch.context() as patch:
        patch.setattr(state, "sidebar", draw_then_score)
        app.run()
    for _ in range(2):
        assert not app.exception and [error.value for error in app.error] == []
        assert app.session_state["select.spec"] == spec
        app.run()
    assert app.sidebar.selectbox(key="run").value == "r-0001"
    release(project.store_path)


@pytest.mark.parametrize("page", ["overview", "learnability", "select", "browse"])
def test_every_page_says_which_side_of_a_pair_is_scored(tmp_path: Path, open_page: OpenPage, page: str) -> None:
    project = Project.create(tmp_path / "project")
    fill(project, [Row("Which?", "This", rejected="That"), Row("2+2?", "4")])
    app = open_page(project.root, page)
    assert not app.exception
    said = "For 1 preference pair, only the chosen answer is scored, not the rejected one."
    assert said in [caption.value for caption in app.sidebar.caption]
    release(project.store_path)


def test_messages_quote_names_as_they_are() -> None:
    assert errors.plain("*a* [b](c) <d> $x$") == r"\*a\* \[b\]\(c\) \<d\> \$x\$"
    error = LobassError("the file is empty", where="`odd`name``.json", do="choose another")
    assert errors._body(error) == "Choose another\\.\n\n``` `odd`name``.json ```"


def test_an_option_of_a_command_is_named_as_on_the_page():
    error = LobassError("no", do="Use --skip-lines 2, or --list-all.")
    assert errors._body(error).endswith("\n\nOn this page, `--skip-lines` is **Lines to skip**.")
    sources = "".join(path.read_text(encoding="utf-8") for path in state.PAGES_DIR.rglob("*.py"))
    named = [name for name in errors.ON_PAGE.values() if sources.count(f'"{name}') < 2]
    assert named == []
