"""What decides the numbers of a page is in its address: a copied link, opened in a new session, shows the same ones."""

from dataclasses import replace

import pytest
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.testing.v1 import AppTest

from lobass_core.project import Project
from lobass_core.selection.order import usual_gates
from lobass_core.specs import Gates, SelectionSpec
from pages.components.learnability import limits
from pages.components.learnability.limits import MovedLimits
from tests.filters import ranged
from tests.pages.conftest import OpenPage, address_of, component_data, view_text


def follow(open_page: OpenPage, project: Project, page: str, address: dict[str, list[str]]) -> AppTest:
    """A new session that came to the page by this address."""
    app = open_page(project.root, page, query=address)
    assert not app.exception
    return app


def numbers(app: AppTest) -> list[object]:
    """All that the page's own components show: the views, the instrument, the list; and what buttons say."""
    shown = [{k: v for k, v in data.items() if k not in ("seq", "rev", "view")} for data in component_data(app) if data]
    return [shown, [button.label for button in app.button], [caption.value for caption in app.caption]]


STATES: dict[str, tuple[str, dict[str, object], dict[str, list[str]]]] = {
    "overview": ("", {"datasets": ["math"], "run": "r-0001"}, {"datasets": ["math"], "run": ["r-0001"]}),
    "learnability": (
        "learnability",
        {
            "run": "r-0001",
            "learnability.measure": "base-loss",
            "learnability.form": "count",
            "learnability.box": ranged("math", base_loss=(0.5, 2.25)),
        },
        {
            "run": ["r-0001"],
            "view": ["distributions"],
            "measure": ["base-loss"],
            "form": ["count"],
            "domain": ["math"],
            "base": ["0.5..2.25"],
        },
    ),
    "learnability, the plane": (
        "learnability",
        {"learnability.view": "Loss plane", limits.KEY: {"math": MovedLimits(0.25, None)}},
        {"run": ["r-0002"], "view": ["loss-plane"], "limit": ["math:0.25:"]},
    ),
    "learnability, the plane with its own limits": (
        "learnability",
        {"learnability.view": "Loss plane", "learnability.against-reference": True},
        {"run": ["r-0002"], "view": ["loss-plane"], "against-reference": ["yes"]},
    ),
    "select": (
        "select",
        {
            "select.spec": SelectionSpec(
                budget="samples",
                value=77,
                balance="custom",
                weights=(("conversation", 1.0), ("math", 3.0)),
                gates=Gates(min_response_tokens=20, exclude_truncated=True, exclude_duplicates=False),
            ),
            "run": "r-0001",
            "select.tab": 4,
        },
        {
            "run": ["r-0001"],
            "budget-samples": ["77"],
            "balance": ["custom"],
            "weight": ["1:conversation", "3:math"],
            "min-response-tokens": ["20"],
            "exclude-truncated": ["yes"],
            "exclude-duplicates": ["no"],
            "tab": ["table"],
        },
    ),
    "select, by another score": (
        "select",
        {
            "select.spec": SelectionSpec(
                method="random",
                seed=5,
                budget="threshold",
                value=0.25,
                balance="global",
                gates=replace(usual_gates("random"), bands=(("base-loss", 0.5, None), ("length", 3.0, 90.0))),
            )
        },
        {
            "run": ["r-0002"],
            "threshold": ["0.25"],
            "balance": ["global"],
            "method": ["random"],
            "seed": ["5"],
            "band": ["base-loss:0.5..", "length:3..90"],
        },
    ),
    "trust": ("trust", {"trust.selection": "equal"}, {"run": ["r-0002"], "selection": ["equal"]}),
    "compare": (
        "compare",
        {"compare.kind": "Methods", "compare.a-method": "length", "compare.b-method": "base-loss"}
        | {"compare.ratio": 0.5, "compare.part": "both", "run": "r-0001", "datasets": ["math"]},
        {
            "run": ["r-0001"],
            "datasets": ["math"],
            "kind": ["methods"],
            "a": ["length"],
            "b": ["base-loss"],
            "ratio": ["0.5"],
            "part": ["both"],
        },
    ),
    "compare, saved": (
        "compare",
        {"compare.a-selection": "natural", "compare.b-selection": "equal"},
        {"run": ["r-0002"], "kind": ["selections"], "a": ["natural"], "b": ["equal"], "part": ["only_a"]},
    ),
    "validate": (
        "validate",
        {"run": "r-0001", "validate.shown": "new", "validate.arms": ["base", "longest"], "validate.selections": []}
        | {"validate.budgets": [0.06, 0.25], "validate.draws": 3, "validate.equal": "steps", "validate.held-out": 30},
        {
            "run": ["r-0001"],
            "show": ["new"],
            "arms": ["base", "longest"],
            "budgets": ["0.06", "0.25"],
            "draws": ["3"],
            "equal": ["steps"],
            "held-out": ["30"],
        },
    ),
    "export": (
        "export",
        {"selection": "equal", "export.format": "axolotl", "export.cutoff": 64, "export.validation": 0.1}
        | {"export.seed": 3, "export.ranked": True},
        {
            "run": ["r-0002"],
            "selection": ["equal"],
            "format": ["axolotl"],
            "cutoff-tokens": ["64"],
            "validation": ["0.1"],
            "seed": ["3"],
            "order": ["rank"],
        },
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_a_copied_link_shows_the_same_numbers(twice: Project, open_page: OpenPage, name: str) -> None:
    page, state, wanted = STATES[name]
    app = open_page(twice.root, page, state=state)
    assert not app.exception
    address = address_of(app)
    assert address == wanted
    again = follow(open_page, twice, page, address)
    assert numbers(again) == numbers(app)
    assert address_of(again) == wanted


def test_a_reload_of_select_keeps_the_opened_selection_and_what_was_changed(
    twice: Project, open_page: OpenPage
) -> None:
    app = open_page(twice.root, "select")
    app.selectbox(key="select.open").set_value("equal").run()
    app.toggle(key="select.gate-truncated").set_value(True).run()
    again = follow(open_page, twice, "select", address_of(app))
    assert again.selectbox(key="select.open").value == "equal"
    assert "equal · changed" in again.selectbox(key="select.open").options
    assert again.session_state["select.spec"].gates.exclude_truncated


def test_a_link_in_the_navigation_asks_for_nothing(twice: Project, open_page: OpenPage) -> None:
    app = open_page(twice.root, "select", state={"select.spec": SelectionSpec(value=0.5)})
    app.switch_page("../learnability.py")
    app.query_params.clear()
    app.run()
    app.switch_page("../select.py")
    app.query_params.clear()
    app.run()
    assert app.session_state["select.spec"].value == 0.5
    assert address_of(app)["ratio"] == ["0.5"]


def test_an_address_that_is_one_step_behind_undoes_nothing(twice: Project, open_page: OpenPage) -> None:
    """A click can be on its way with the address of the step before."""
    app = open_page(twice.root, "select", state={"select.spec": SelectionSpec(value=0.5)})
    app.session_state["select.spec"] = SelectionSpec(value=0.3)
    app.query_params["ratio"] = "0.5"
    app.run()
    assert app.session_state["select.spec"].value == 0.3
    assert address_of(app)["ratio"] == ["0.3"]


def test_back_restores_what_the_address_says(
    twice: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(twice.root, "select", state={"select.spec": SelectionSpec(value=0.5), "datasets": ["math"]})
    # AppTest has no Back of its own.
    monkeypatch.setattr(ScriptRunContext, "is_history_navigation", True, raising=False)
    init = ScriptRunContext.reset

    def back(self: ScriptRunContext, *args: object, **named: object) -> None:
        init(self, *args, **named)  # type: ignore[arg-type]
        self.is_history_navigation = True

    monkeypatch.setattr(ScriptRunContext, "reset", back)
    app.query_params.clear()
    app.query_params["ratio"], app.query_params["balance"] = "0.25", "equal"
    app.run()
    spec = app.session_state["select.spec"]
    assert (spec.value, spec.balance) == (0.25, "equal")
    assert app.session_state["datasets"] == []


TROUBLES = {
    "run": ("select", {"run": ["r-9999"]}, "Unknown value in the address, ignored: run=r-9999."),
    "dataset": (
        "learnability",
        {"datasets": ["gone", "math"]},
        "Unknown value in the address, ignored: datasets=gone.",
    ),
    "number": ("select", {"ratio": ["a lot"]}, "Invalid value in the address, ignored: ratio=a lot."),
    "limits": ("select", {"ratio": ["7"]}, "Ratio 7.0 is not between 0 and 1. The page shows a new selection."),
    "selection": ("select", {"selection": ["gone"], "ratio": ["0.1"]}, "There is no selection named gone"),
    "side": ("compare", {"kind": ["selections"], "a": ["gone"], "b": ["equal"]}, "There is no selection gone"),
    "format": (
        "export",
        {"selection": ["equal"], "format": ["exe"]},
        "Unknown value in the address, ignored: format=exe.",
    ),
    "negative": (
        "export",
        {"selection": ["equal"], "validation": ["-1"]},
        "Invalid value in the address, ignored: validation=-1.",
    ),
    "all": (
        "export",
        {"selection": ["equal"], "validation": ["100%"]},
        "Invalid value in the address, ignored: validation=100%.",
    ),
    "seed": (
        "export",
        {"selection": ["equal"], "seed": ["-3"]},
        "Invalid value in the address, ignored: seed=-3 is below 0.",
    ),
    "show": ("score", {"show": ["r-4711"]}, "Unknown value in the address, ignored: show=r-4711."),
    "experiment": ("validate", {"show": ["r-4711"]}, "Unknown value in the address, ignored: show=r-4711."),
    "arm": ("validate", {"show": ["new"], "arms": ["luck"]}, "Unknown value in the address, ignored: arms=luck."),
    "share": ("validate", {"budgets": ["7"]}, "Invalid value in the address, ignored: budgets=7."),
    "file": ("validate", {"evaluate": ["/no/such.json"]}, "There is no file /no/such.json to measure."),
    # It is there, and the dashboard may not read it.
    "closed file": ("validate", {"evaluate": ["/etc/hostname"]}, "There is no file /etc/hostname to measure."),
    "measure": ("learnability", {"measure": ["beauty"]}, "Unknown value in the address, ignored: measure=beauty."),
    "range": ("learnability", {"range": ["beauty:1.."]}, "There is no measure beauty"),
    "band": ("select", {"ratio": ["0.1"], "band": ["base-loss"]}, "'base-loss' is no range of a measure."),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_what_an_address_asks_for_and_is_not_there_is_said(twice: Project, open_page: OpenPage, name: str) -> None:
    page, address, words = TROUBLES[name]
    assert words in view_text(follow(open_page, twice, page, address))
