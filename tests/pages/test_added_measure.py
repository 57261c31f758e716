"""A measure that is one entry of the table is offered on every page that has measures to choose from."""

from dataclasses import replace

import pytest

from lobass_core.learnability.measures import BUILT_IN, PROMPT_TOKENS, Measure
from lobass_core.project import Project
from tests.pages.conftest import OpenPage, component_data, view_text

NAME, TITLE = "prompt-length", "Prompt tokens"


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The length of the prompt."""
    measure = Measure(
        name=NAME, label="prompt tokens", unit="tokens", formula="n_prompt_tokens", source="a test",
        higher_is_better=True, needs=(PROMPT_TOKENS,), compute=lambda rows: rows[PROMPT_TOKENS].astype(float),
    )  # fmt: skip
    monkeypatch.setitem(BUILT_IN, NAME, measure)


def test_learnability_draws_it(scored: Project, open_page: OpenPage) -> None:
    app = open_page(scored.root, "learnability", query={"view": "distributions", "measure": NAME})
    assert not app.exception
    assert TITLE in app.selectbox(key="learnability.other-measures").options
    [chart] = [data for data in component_data(app) if isinstance(data, dict) and "heights" in str(data)]
    assert (chart["title"], sum(sum(one["counts"]) for one in chart["domains"])) == ("prompt tokens", 420)


def test_browse_sorts_and_narrows_by_it(scored: Project, open_page: OpenPage) -> None:
    app = open_page(scored.root, "browse", query={"sort": NAME, "range": f"{NAME}:1.."})
    assert not app.exception
    assert app.selectbox(key="browse.w.sort").value == NAME
    assert TITLE in app.selectbox(key="browse.w.sort").options
    assert f"--range={NAME}:1.. --sort {NAME}" in app.code[0].value.replace("\\\n ", "")


def test_select_ranks_by_it_and_compare_has_it(scored: Project, open_page: OpenPage) -> None:
    app = open_page(scored.root, "select", query={"method": NAME})
    assert not app.exception
    assert TITLE in app.selectbox(key="select.method").options
    [instrument] = [data for data in component_data(app) if isinstance(data, dict) and "measure" in data]
    assert instrument["measure"] == {"title": TITLE, "notation": "tokens", "sign": 1}
    app = open_page(scored.root, "compare", state={"compare.kind": "Methods", "compare.b-method": NAME})
    assert not app.exception
    assert f"{TITLE}, mean of rows" in view_text(app)


def test_learnability_says_that_no_row_has_a_value(scored: Project, open_page: OpenPage) -> None:
    """The project keeps no bytes of its responses."""
    app = open_page(scored.root, "learnability", query={"view": "distributions", "measure": "base-bits-per-byte"})
    assert not app.exception
    assert "No row has a value for base loss per byte." in [caption.value for caption in app.caption]


def test_the_cut_of_a_measure_of_which_less_is_better_reads_downwards(
    scored: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUILT_IN, NAME, replace(BUILT_IN[NAME], higher_is_better=False))
    app = open_page(scored.root, "select", query={"method": NAME, "ratio": "0.2"})
    assert not app.exception
    text = view_text(app)
    assert "highest scores kept" in text and "lowest scores dropped" in text
    [instrument] = [data for data in component_data(app) if isinstance(data, dict) and "measure" in data]
    # The best are on the right: the axis holds the scores times the sign.
    assert instrument["measure"]["sign"] == -1 and instrument["axis"][1] <= 0
