"""The Browse page: empty, filled, in use elsewhere, and full of markup; the list itself runs in a real browser."""

import json
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from lobass_core.errors import StoreLockedError
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import browse, decide, saved_filters
from lobass_core.workflows import select as selections
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.decide import Act, Done
from pages.components import address, sample_list
from pages.components.browsing.session import resolved
from pages.components.sample_list import RangeAct
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
    app.text_input(key="browse.w.learnability.low.typed").set_value("0,4").run()
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
    assert app.text_input(key="browse.w.learnability.low.typed").value == "-0.2"


@pytest.mark.parametrize("query", [{"score": "a..b"}, {"flag": "no-such"}])
def test_a_broken_link_says_so_and_shows_all(open_page: OpenPage, scored: Project, query: dict):
    app = open_page(scored.root, "browse", run=False)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert len(app.error) == 1
    assert listing(app)["n"] == 420


@pytest.mark.parametrize("name", ["domain", "sort", "range"])
def test_a_name_that_is_gone_can_be_let_go(open_page: OpenPage, scored: Project, name: str):
    app = open_page(scored.root, "browse", run=False)
    app.query_params[name] = "poetry:3.." if name == "range" else "poetry"
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


def test_a_store_in_use_leaves_the_list_in_its_place(open_page: OpenPage, scored: Project, monkeypatch):
    def taken(*_args: object) -> None:
        raise StoreLockedError("the project's store is in use", where="lobass, PID 4242")

    with monkeypatch.context() as patch:
        patch.setattr("lobass_core.workflows.browse.read_rows", taken)
        app = open_page(scored.root, "browse")
        assert not app.exception and not app.warning
        assert (listing(app)["pages"], listing(app)["trouble"]) == ({}, "the project's store is in use")
    app.run()
    assert (len(listing(app)["pages"]["1"]), listing(app)["trouble"]) == (50, "")


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
    app.text_input(key="browse.w.learnability.high.typed").set_value("-0,5").run()
    (line,) = [code.value for code in app.code if "lobass browse" in code.value]
    assert "--domain math" in line
    assert "--score=..-0.5" in line


def test_the_command_keeps_to_the_datasets_of_the_sidebar(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse", state={"datasets": ["math"]})
    assert listing(app)["n"] == 120
    (line,) = [code.value for code in app.code if "lobass browse" in code.value]
    assert "--datasets math" in line


def test_the_filter_is_found_again_though_the_page_between_was_cut_short(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse")
    app.multiselect(key="browse.w.domains").set_value(["math"]).run()
    app.switch_page("../select.py").run()
    # A run that is cut short leaves the widgets of the page before it in the session.
    app.session_state["browse.list"] = {"ui": None}
    app.query_params.clear()
    app.switch_page("../browse.py").run()
    assert (listing(app)["n"], app.query_params["domain"]) == (120, "math")


def test_a_message_with_the_address_of_before_leaves_the_filter(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse", run=False)
    app.query_params["domain"] = "math"
    app.run()
    app.multiselect(key="browse.w.domains").set_value(["conversation"]).run()
    # What is pressed before the browser has the new address.
    app.query_params["domain"] = "math"
    assert listing(app.run())["n"] == 300
    assert app.query_params["domain"] == "conversation"


def test_back_to_an_address_without_a_filter_shows_all(open_page: OpenPage, scored: Project, monkeypatch):
    app = open_page(scored.root, "browse")
    app.multiselect(key="browse.w.domains").set_value(["math"]).run()
    app.query_params.clear()
    # The link in the navigation has no parameters either, and finds the filter again.
    assert listing(app.run())["n"] == 120
    app.query_params.clear()
    monkeypatch.setattr(address, "get_script_run_ctx", lambda: SimpleNamespace(is_history_navigation=True))
    assert listing(app.run())["n"] == 420


def test_progress_and_the_search_are_told_to_the_list(open_page: OpenPage, scored: Project):
    decide.decide(scored, [listing(open_page(scored.root, "browse"))["pages"]["1"][0]["sample_id"]], "drop")
    app = open_page(scored.root, "browse")
    assert (listing(app)["decided"], listing(app)["search"]["text"]) == (1, "")
    app.text_input(key="browse.w.q").set_value("No SUCH text").run()
    data = listing(app)
    assert (data["decided"], data["search"]) == (0, {"text": "No SUCH text", "scope": "any", "match_case": False})


def test_the_review_queue_lists_rows_near_the_working_cut_and_leads_back(open_page: OpenPage, scored: Project):
    working = {"select.spec": SelectionSpec(budget="samples", value=80, balance="equal")}
    app = open_page(scored.root, "browse", state=working)
    app.multiselect(key="browse.w.domains").set_value(["math"]).run()
    app.button(key="browse-review").click().run()
    data = listing(app)
    domains = {domain: [] for domain in ("conversation", "math")}
    for row in data["pages"]["1"]:
        assert "near_cut" in row["review"]
        domains[row["domain"]].append(row["score"])
    cuts = dict(cut.split(":") for cut in app.query_params["cut"])
    assert list(cuts) == ["conversation", "math"]
    # Nearest first: what the first page has of each domain lies on both sides of its cut.
    for domain, scores in domains.items():
        assert min(scores) < float(cuts[domain]) <= max(scores)
    assert app.selectbox(key="browse.w.sort").value == "cut"
    (line,) = [code.value for code in app.code if "lobass browse" in code.value]
    assert f"--cut=math:{cuts['math']}" in line.replace("\\\n", "")
    app.button(key="browse-review").click().run()
    assert (listing(app)["n"], app.query_params["domain"]) == (120, "math")
    assert not [name for name in ("cut", "review", "sort") if app.query_params.get(name)]


def test_without_scores_the_review_queue_has_the_flagged_rows(open_page: OpenPage, tmp_path):
    project = imported_project(tmp_path / "p", {"math": 5})
    app = open_page(project.root, "browse")
    app.button(key="browse-review").click().run()
    assert not app.exception
    assert (listing(app)["n"], "near_cut" in app.query_params["review"]) == (0, False)


def test_a_filter_is_saved_opened_renamed_and_deleted(open_page: OpenPage, scored: Project):
    app = open_page(scored.root, "browse")
    app.multiselect(key="browse.w.domains").set_value(["math"]).run()
    app.button(key="browse-saved").click().run()
    app.text_input(key="browse.saved.name").set_value("only **maths**")
    next(button for button in app.button if button.label == "Save").click().run()
    assert not app.exception
    assert saved_filters.load(scored, "only **maths**") == BrowseFilter(domains=("math",))
    app.button(key="browse.chip.domains").click().run()
    assert listing(app)["n"] == 420
    app.button(key="browse-saved").click().run()
    opening = app.button(key="browse.saved.open.0")
    assert opening.label == "only \\*\\*maths\\*\\*"
    opening.click().run()
    assert (listing(app)["n"], app.query_params["domain"]) == (120, "math")
    app.button(key="browse-saved").click().run()
    app.text_input(key="browse.saved.name").set_value("only **maths**")
    next(button for button in app.button if button.label == "Save").click().run()
    # Nothing is replaced at the first press.
    assert saved_filters.load(scored, "only **maths**").domains == ("math",)
    app.button(key="browse-saved").click().run()
    app.button(key="browse.saved.delete.0").click().run()
    assert saved_filters.list_filters(scored) == []


def test_a_range_act_is_on_the_samples_that_stand_there(scored: Project):
    found = browse.find(scored, BrowseFilter(sort="imported"))
    keys = found.rows.table.sample_key[found.positions[3:6]].tolist()
    act = RangeAct("a", "drop", "dull", "v", 3, 5)
    assert resolved(act, {"v": found}) == Act("a", "drop", text="dull", sample_keys=tuple(keys))
    assert resolved(Act("b", "keep", 1), {}) == Act("b", "keep", 1)
    gone = resolved(act, {"w": found})
    assert gone == Done("a", error="the list with these 3 rows is no longer open; select the rows again")
    assert resolved(RangeAct("a", "drop", "", "v", 3, 420), {"v": found}).error
    assert "one sample" in resolved(RangeAct("a", "note", "x", "v", 3, 5), {"v": found}).error


def test_what_the_browser_sends_is_checked():
    sent = [
        {"id": "a", "kind": "keep", "text": "", "key": 3},
        {"id": "b", "kind": "drop", "text": "", "keys": [1, 2]},
        {"id": "c", "kind": "tag", "text": "odd", "view": "v", "first": 0, "last": 9},
        {"id": "d", "kind": "keep", "keys": []},
        {"id": "e", "kind": "burn", "key": 1},
        {"kind": "keep", "key": 1},
        {"id": "f", "kind": "keep", "view": "v", "first": "x", "last": 2},
    ]
    acts, refused = sample_list.read_acts(sent)
    assert acts == (
        Act("a", "keep", 3),
        Act("b", "drop", sample_keys=(1, 2)),
        RangeAct("c", "tag", "odd", "v", 0, 9),
    )
    assert [act_id for act_id, _ in refused] == ["d", "e"]
