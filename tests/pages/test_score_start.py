"""Starting on the Score page: what cannot be there is said first, one click starts one run, a link starts nothing."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import preflight, score
from pages.components import busy, toolbar
from tests.pages.conftest import OpenPage, view_text
from tests.pages.projects import imported_project
from tests.pages.test_score import RESULT

CHOSEN = {"score.base": "org/base", "score.reference": "org/ref"}


@pytest.fixture
def imported(tmp_path: Path):
    project = imported_project(tmp_path / "project", {"math": 12})
    yield project
    release(project.store_path)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bases that a look was started for; each is there at once."""
    started: list[str] = []
    monkeypatch.setattr(preflight, "start", lambda _, spec: started.append(spec.base.path) or "r-0001")
    monkeypatch.setattr(preflight, "poll", lambda *_: RESULT)
    return started


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the button looked like whenever a run was started: shut or not."""
    buttons: list[tuple[str, bool]] = []
    started: list[bool] = []
    draw = toolbar.primary

    def primary(label: str, icon: str, **named: object) -> bool:
        buttons.append((label, bool(named.get("disabled"))))
        return draw(label, icon, **named)  # type: ignore[arg-type]

    def start(*_: object) -> SimpleNamespace:
        label, is_shut = buttons[-1]
        assert label == "Starting…"
        started.append(is_shut)
        return SimpleNamespace(run_id="r-0001")

    monkeypatch.setattr(toolbar, "primary", primary)
    monkeypatch.setattr(score, "start", start)
    return started


@pytest.mark.parametrize("which", ["score.base", "score.reference"])
def test_a_model_that_is_not_there_is_said_before_anything_starts(
    imported: Project, open_page: OpenPage, looks: list[str], which: str
) -> None:
    app = open_page(imported.root, "score", state={**CHOSEN, which: "/nowhere/model"})
    assert app.error[0].proto.title.replace("\\", "") == "There is no such model folder."
    assert "`/nowhere/model`" in app.error[0].value
    assert app.button(key="score.start").disabled
    assert looks == [] and list(imported.runs_dir.glob("r-*")) == []


def test_the_base_of_a_training_is_looked_at_too(imported: Project, open_page: OpenPage, tmp_path: Path) -> None:
    state = {"score.base": str(tmp_path), "score.how": "Train a reference"}
    app = open_page(imported.root, "score", state=state)
    assert "This folder contains no model" in app.error[0].proto.title.replace("\\", "")
    assert app.button(key="score.train").disabled


def test_one_click_starts_one_run_behind_a_shut_button(
    imported: Project, open_page: OpenPage, looks: list[str], runs: list[bool]
) -> None:
    app = open_page(imported.root, "score", state=CHOSEN)
    assert app.button(key="score.start").label == "Score, 540 losses"
    app.button(key="score.start").click().run()
    assert runs == [True]
    assert app.session_state["score.shown"] == "r-0001"


def test_a_second_click_while_a_run_starts_starts_none(
    imported: Project, open_page: OpenPage, looks: list[str], runs: list[bool]
) -> None:
    """The second click cuts the first one's script short when it has started the run, and before it could say so."""
    app = open_page(imported.root, "score", state=CHOSEN)
    app.session_state["score.start" + busy.JOB] = busy._Job(begun=True, result="r-0007")
    app.button(key="score.start").click().run()
    assert runs == []
    assert app.session_state["score.shown"] == "r-0007"


def test_what_hinders_a_start_is_said_and_the_button_is_open_again(
    imported: Project, open_page: OpenPage, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RequestError("there is nothing to score", do="Import data first.")

    monkeypatch.setattr(score, "start", refuse)
    app = open_page(imported.root, "score", state=CHOSEN)
    app.button(key="score.start").click().run()
    assert app.error[0].proto.title.replace("\\", "") == "There is nothing to score."
    assert not app.button(key="score.start").disabled
    assert app.button(key="score.start").label == "Score, 540 losses"


def test_training_a_reference_is_a_choice_in_sight(imported: Project, open_page: OpenPage) -> None:
    app = open_page(imported.root, "score")
    how = app.segmented_control(key="score.how")
    assert (how.options, how.value) == (["Use a reference", "Train a reference"], "Use a reference")
    how.set_value("Train a reference").run()
    assert not app.exception
    assert app.button(key="score.train").label == "Train on 12 rows"
    assert "score.reference" not in [box.key for box in app.selectbox]


def test_a_link_fetches_and_loads_nothing_by_itself(imported: Project, open_page: OpenPage, looks: list[str]) -> None:
    query = {"show": "new", "base": "org/base", "reference": "org/ref", "max-tokens": "512"}
    app = open_page(imported.root, "score", query=query)
    assert looks == [] and "Nothing has been fetched or loaded." in view_text(app)
    assert app.button(key="score.chip.score.max-tokens").label == "Maximum 512 tokens"
    app.button(key="score.preview-go").click().run()
    assert looks == ["org/base"]
    assert not app.exception and "540 losses" in view_text(app)


def test_the_settings_of_a_new_run_are_in_the_address(imported: Project, open_page: OpenPage, looks: list[str]) -> None:
    settings = {"score.template": "chatml", "score.mask": "last", "score.dtype": "bfloat16", "score.batch": 4096}
    app = open_page(imported.root, "score", state={**CHOSEN, **settings, "score.revision": "v1"})
    wanted = {
        "show": "new", "base": "org/base", "reference": "org/ref", "template": "chatml", "mask": "last",
        "dtype": "bfloat16", "batch-tokens": "4096", "revision": "v1",
    }  # fmt: skip
    assert {name: value for name, value in app.query_params.items() if value} == wanted
    again = open_page(imported.root, "score", query=wanted)
    assert again.code[0].value == app.code[0].value
    assert {key: again.session_state[key] for key in settings} == settings


def test_a_training_is_in_the_address(imported: Project, open_page: OpenPage) -> None:
    training = {"score.train-folds": 4, "score.train-epochs": 2.5, "score.train-name": "four", "score.train-seed": 7}
    state = {"score.base": "org/base", "score.how": "Train a reference", **training}
    app = open_page(imported.root, "score", state=state)
    address = {name: value for name, value in app.query_params.items() if value}
    again = open_page(imported.root, "score", query=address)
    assert again.code[0].value == app.code[0].value
    assert "--folds 4" in app.code[0].value and "--epochs 2.5" in app.code[0].value and "--seed 7" in app.code[0].value


def test_rows_of_the_filter_are_what_a_training_reads(tmp_path: Path, open_page: OpenPage) -> None:
    project = imported_project(tmp_path / "two", {"code": 5, "math": 12})
    state = {"score.base": "org/base", "score.how": "Train a reference", "datasets": ["code"]}
    app = open_page(project.root, "score", state=state)
    assert app.button(key="score.train").label == "Train on 5 rows"
    assert "--datasets code" in app.code[0].value
    assert "Rows 5, of code" in view_text(app)
    release(project.store_path)
