"""The Browse page: empty, filled, in use elsewhere, and full of markup; the list itself runs in a real browser."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import decide
from lobass_core.workflows import select as selections
from tests.pages.conftest import OpenPage, component_data
from tests.pages.projects import HOSTILE, imported_project, scored_project


def listing(app: AppTest) -> dict:
    """What the list component was given."""
    (data,) = [data for data in component_data(app) if isinstance(data, dict) and "page_rows" in data]
    return data


def click_chip(app: AppTest, field: str) -> None:
    app.button(key=f"browse.chip.{field}").click().run()


def test_an_empty_project_offers_import(open_page: OpenPage, project: Project):
    app = open_page(project.root, "browse")
    assert not app.exception
    assert [button.label for button in app.button if button.key == "empty-action"] == ["Import data"]


def test_all_rows_best_first(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse")
    assert not app.exception
    data = listing(app)
    assert (data["n"], data["total"], data["scored"], data["page"]) == (420, 420, True, 1)
    assert list(data["pages"]) == ["1"]
    assert [row["rank"] for row in data["pages"]["1"]] == list(range(1, 51))
    scores = [row["score"] for rows in data["pages"].values() for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert set(data["shapes"]) == {"conversation", "math"}
    assert data["pages"]["1"][0]["turns"][1]["scored"] is True


def test_widgets_and_chips_change_the_filter_and_the_address(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse")
    app.multiselect(key="browse.w.domains").set_value(["math"]).run()
    assert listing(app)["n"] == 120
    app.number_input(key="browse.w.score.low").set_value(0.4).run()
    narrowed = listing(app)["n"]
    assert 0 < narrowed < 120
    assert app.query_params["domain"] == "math"
    assert app.query_params["score"] == "0.4.."
    app.text_input(key="browse.w.q").set_value("(math 7)").run()
    assert listing(app)["n"] <= 1
    click_chip(app, "text")
    assert listing(app)["n"] == narrowed
    app.button(key="browse.chip.all").click().run()
    assert listing(app)["n"] == 420
    assert not [name for name in app.query_params if app.query_params[name]]


def test_a_link_opens_the_same_rows(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse", run=False)
    app.query_params["domain"] = "conversation"
    app.query_params["score"] = "0.9..-0.2"
    app.query_params["sort"] = "tokens-asc"
    app.run()
    rows = [row for rows in listing(app)["pages"].values() for row in rows]
    assert {row["domain"] for row in rows} == {"conversation"}
    assert all(-0.2 <= row["score"] <= 0.9 for row in rows)
    lengths = [row["n_tokens"] for row in rows]
    assert lengths == sorted(lengths)
    assert app.number_input(key="browse.w.score.low").value == -0.2


@pytest.mark.parametrize("query", [{"score": "a..b"}, {"sort": "beauty"}, {"flag": "no-such"}])
def test_a_broken_link_says_so_and_shows_all(open_page: OpenPage, scored: Project, query: dict):
    app = open_page(scored.root, "browse", run=False)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert len(app.error) == 1
    assert listing(app)["n"] == 420


def test_a_name_that_is_gone_can_be_let_go(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse", run=False)
    app.query_params["domain"] = "poetry"
    app.run()
    assert "poetry" in app.error[0].title
    next(button for button in app.button if button.label == "Show all rows").click().run()
    assert listing(app)["n"] == 420


def test_each_selection_has_a_chip_and_a_place_in_the_menu(open_page: OpenPage, scored: Project):
    selections.save(scored, "wide", SelectionSpec(value=0.2))
    selections.save(scored, "<b>narrow</b>", SelectionSpec(value=0.1))
    app = open_page(scored.root, "browse", run=False)
    app.query_params["selection"] = ["wide", "<b>narrow</b>"]
    app.run()
    assert listing(app)["n"] == 42
    assert "Filters · 2" in [popover.proto.popover.label for popover in app.get("popover")]
    click_chip(app, "in_selections.<b>narrow</b>")
    assert (listing(app)["n"], app.query_params["selection"]) == (84, "wide")
    app.multiselect(key="browse.w.not_in_selections").set_value(["<b>narrow</b>"]).run()
    assert (listing(app)["n"], app.query_params["without"]) == (42, "<b>narrow</b>")
    (line,) = [code.value for code in app.code if "lobass browse" in code.value]
    assert "--in-selection=wide '--not-in-selection=<b>narrow</b>'" in line
    click_chip(app, "in_selections.wide")
    assert listing(app)["n"] == 378
    click_chip(app, "not_in_selections.<b>narrow</b>")
    assert listing(app)["n"] == 420
    assert not [name for name in app.query_params if app.query_params[name]]


@pytest.mark.parametrize("name", ["selection", "without"])
def test_a_selection_that_is_gone_can_be_let_go(open_page: OpenPage, scored: Project, name: str):
    app = open_page(scored.root, "browse", run=False)
    app.query_params[name] = "long gone"
    app.run()
    assert "long gone" in app.error[0].title
    next(button for button in app.button if button.label == "Show all rows").click().run()
    assert listing(app)["n"] == 420


def test_nothing_found_is_a_state_of_its_own(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse")
    app.text_input(key="browse.w.q").set_value("no text holds this").run()
    assert not app.exception
    assert (listing(app)["n"], listing(app)["pages"]) == (0, {})


def test_rows_that_are_not_scored_are_browsed_in_import_order(open_page: OpenPage, tmp_path):
    project = imported_project(tmp_path / "p", {"math": 60})
    app = open_page(project.root, "browse")
    assert not app.exception
    data = listing(app)
    assert (data["scored"], data["shapes"]) == (False, {})
    assert [row["row_index"] for row in data["pages"]["1"]] == list(range(50))
    assert app.selectbox(key="browse.w.sort").value == "imported"


def test_markup_arrives_as_text(open_page: OpenPage, tmp_path):
    project = scored_project(tmp_path / "p", {"math": 3}, hostile=True)
    app = open_page(project.root, "browse")
    assert not app.exception
    texts = [turn["content"] for row in listing(app)["pages"]["1"] for turn in row["turns"]]
    assert HOSTILE in texts
    drawn = " ".join(element.value for element in [*app.markdown, *app.caption])
    assert "<script>document" not in drawn


def test_the_decision_log_and_acts_on_all(open_page: OpenPage, scored: Project):
    decide.decide(scored, [listing(open_page(scored.root, "browse"))["pages"]["1"][0]["sample_id"]], "drop", "odd")
    app = open_page(scored.root, "browse")
    app.multiselect(key="browse.w.domains").set_value(["math"]).run()
    app.segmented_control(key="browse.all.act").set_value("drop").run()
    app.button(key="browse.all.ask").click().run()
    app.button(key="browse.all.go").click().run()
    assert not app.exception
    assert len([one for one in decide.log(scored, 1000) if one.batch_id]) == 121
    assert {row["verdict"] for row in listing(app)["pages"]["1"]} == {"drop"}
    app.button(key="browse.log").click().run()
    texts = json.dumps(component_data(app))
    assert "120 samples" in texts
    assert "odd" in texts


def test_the_command_finds_the_same_rows(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse")
    app.multiselect(key="browse.w.domains").set_value(["math"]).run()
    app.number_input(key="browse.w.score.high").set_value(-0.5).run()
    (line,) = [code.value for code in app.code if "lobass browse" in code.value]
    assert "--domain math" in line
    assert "--score=..-0.5" in line


def test_the_command_keeps_to_the_datasets_of_the_sidebar(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse", state={"datasets": ["math"]})
    assert listing(app)["n"] == 120
    (line,) = [code.value for code in app.code if "lobass browse" in code.value]
    assert "--dataset math" in line
