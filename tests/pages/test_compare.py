"""The Compare page: what it shows of two sides is what the workflow computes."""

import shlex
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from lobass_core.cli.main import app as cli
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import compare
from lobass_core.workflows import select as selections
from pages.components import theme
from tests.pages.conftest import OpenPage, component_data, view_text, view_texts
from tests.pages.projects import add_scores, imported_project, scored_project


def commands(app: AppTest) -> list[list[str]]:
    """The words of each line; one may be broken for the eye, the shell reads one command."""
    return [shlex.split(line) for line in app.code[0].value.replace("\\\n", " ").split("\n")]


def after(texts: list[str], label: str) -> str:
    return texts[texts.index(label) + 1]


def open_compare(open_page: OpenPage, project: Project, kind: str = "Selections", **state: object):
    app = open_page(project.root, "compare", state={"compare.kind": kind, **state})
    assert not app.exception
    return app


def test_two_saved_selections(scored: Project, open_page: OpenPage) -> None:
    selections.save(scored, "natural", SelectionSpec(value=0.2))
    selections.save(scored, "equal", SelectionSpec(value=0.2, balance="equal"))
    state = {"compare.a-selection": "natural", "compare.b-selection": "equal"}
    app = open_compare(open_page, scored, **state)
    found = compare.compare(compare.saved_side(scored, "natural"), compare.saved_side(scored, "equal"))
    texts = view_texts(app)
    assert after(texts, "A keeps") == "84"
    assert after(texts, "In both") == theme.count(found.overlap.both)
    assert after(texts, "Only in A") == theme.count(found.overlap.only_a)
    assert commands(app) == [
        ["lobass", "compare", "natural", "equal", "--project", str(scored.root)],
        ["lobass", "browse", "--project", str(scored.root), "--in-selection=natural", "--not-in-selection=equal"],
    ]
    # One score orders both, so there is no plane of ranks to draw.
    assert len(app.get("plotly_chart")) == 0
    assert "by the same score" in " ".join(caption.value for caption in app.caption)


PART_QUERIES = {
    "only_a": {"selection": "natural", "without": "equal"},
    "both": {"selection": ["equal", "natural"]},
    "only_b": {"selection": "equal", "without": "natural"},
}


@pytest.mark.parametrize("part", PART_QUERIES)
def test_the_part_that_is_shown_opens_whole_in_browse(scored: Project, open_page: OpenPage, part: str) -> None:
    selections.save(scored, "natural", SelectionSpec(value=0.2))
    selections.save(scored, "equal", SelectionSpec(value=0.2, balance="equal"))
    app = open_compare(open_page, scored, **{"compare.a-selection": "natural", "compare.b-selection": "equal"})
    app.segmented_control(key="compare.part").set_value(part).run()
    # 60 and 24 of the 300 and 120 rows against 42 of each.
    n, words = {"only_a": (18, "only in A"), "both": (66, "in both"), "only_b": (18, "only in B")}[part]
    button = app.button(key="compare.browse")
    assert button.label == f"Browse the {n} rows {words}"
    button.click().run()
    assert not app.exception
    assert {name: app.query_params[name] for name in ("selection", "without") if name in app.query_params} == (
        PART_QUERIES[part]
    )
    listing = next(data for data in component_data(app) if isinstance(data, dict) and "page_rows" in data)
    assert listing["n"] == n
    picked = {name: set(selections.picks(scored, name)["row_key"].to_pylist()) for name in ("natural", "equal")}
    inside = {
        "only_a": picked["natural"] - picked["equal"],
        "both": picked["natural"] & picked["equal"],
        "only_b": picked["equal"] - picked["natural"],
    }[part]
    assert len(inside) == n
    assert {row["key"] for row in listing["pages"]["1"]} <= inside


def test_a_part_without_rows_opens_nothing(scored: Project, open_page: OpenPage) -> None:
    selections.save(scored, "wide", SelectionSpec(value=0.2, balance="global"))
    selections.save(scored, "narrow", SelectionSpec(budget="samples", value=83, balance="global"))
    state = {"compare.a-selection": "narrow", "compare.b-selection": "wide"}
    app = open_compare(open_page, scored, **state)
    assert app.button(key="compare.browse").label == "Browse the 0 rows only in A"
    assert app.button(key="compare.browse").disabled
    app.segmented_control(key="compare.part").set_value("only_b").run()
    assert app.button(key="compare.browse").label == "Browse the 1 row only in B"


def test_the_button_counts_what_the_sidebar_lets_browse_show(scored: Project, open_page: OpenPage) -> None:
    selections.save(scored, "natural", SelectionSpec(value=0.2))
    selections.save(scored, "equal", SelectionSpec(value=0.2, balance="equal"))
    state = {"compare.a-selection": "natural", "compare.b-selection": "equal", "compare.part": "both"}
    app = open_compare(open_page, scored, **state, datasets=["math"])
    button = app.button(key="compare.browse")
    assert (button.label, button.help) == (
        "Browse the 24 rows in both",
        "42 more are in datasets excluded in the sidebar.",
    )
    assert commands(app)[1][4:] == ["--datasets", "math", "--in-selection=equal", "--in-selection=natural"]
    button.click().run()
    assert next(data["n"] for data in component_data(app) if isinstance(data, dict) and "page_rows" in data) == 24


def test_names_with_markup_are_names(scored: Project, open_page: OpenPage) -> None:
    selections.save(scored, "-<b>one</b>, [x](y)", SelectionSpec(value=0.2))
    selections.save(scored, "$two$ `it's`", SelectionSpec(value=0.1))
    state = {"compare.a-selection": "-<b>one</b>, [x](y)", "compare.b-selection": "$two$ `it's`"}
    app = open_compare(open_page, scored, **state)
    root = ["--project", str(scored.root)]
    assert commands(app) == [
        ["lobass", "compare", *root, "--", "-<b>one</b>, [x](y)", "$two$ `it's`"],
        ["lobass", "browse", *root, "--in-selection=-<b>one</b>, [x](y)", "--not-in-selection=$two$ `it's`"],
    ]
    for line in commands(app):
        ran = CliRunner().invoke(cli, line[1:])
        assert ran.exit_code == 0, ran.output
    app.button(key="compare.browse").click().run()
    chips = [button.label for button in app.button if (button.key or "").startswith("browse.chip.")]
    assert chips == [
        "in \\-\\<b\\>one\\</b\\>, \\[x\\]\\(y\\)",
        "not in \\$two\\$ \\`it's\\`",
        "Clear all",
    ]


def test_rows_of_each_part(scored: Project, open_page: OpenPage) -> None:
    selections.save(scored, "natural", SelectionSpec(value=0.2))
    selections.save(scored, "equal", SelectionSpec(value=0.2, balance="equal"))
    state = {"compare.a-selection": "natural", "compare.b-selection": "equal", "compare.part": "only_b"}
    app = open_compare(open_page, scored, **state)
    found = compare.compare(compare.saved_side(scored, "natural"), compare.saved_side(scored, "equal"))
    first = compare.part_rows(scored, found, "only_b", 1)[0]
    assert first.rank_a == 0
    assert first.prompt.split("\n")[0] in view_text(app)


def test_two_methods_with_the_plane_of_ranks(scored: Project, open_page: OpenPage) -> None:
    state = {"compare.a-method": "learnability", "compare.b-method": "length", "compare.ratio": 0.167}
    app = open_compare(open_page, scored, "Methods", **state)
    spec = SelectionSpec(value=0.167)
    found = compare.compare(
        compare.computed_side(scored, "Learnability", spec),
        compare.computed_side(scored, "Length", SelectionSpec(method="length", value=0.167)),
    )
    texts = view_texts(app)
    assert after(texts, "In both") == theme.count(found.overlap.both)
    assert after(texts, "Rank agreement") == theme.signed(found.agreement)
    assert len(app.get("plotly_chart")) == 1
    assert "--ratio 0.167" in app.code[0].value
    assert "--method length" in app.code[0].value
    assert "lobass compare A B" in app.code[0].value


def test_two_references(scored: Project, open_page: OpenPage) -> None:
    app = open_compare(open_page, scored, "References")
    assert "Only one pair of models has scores" in view_text(app)
    add_scores(scored, reference_name="ref-2ep", reference_fp="4ef0000000000002")
    app = open_compare(open_page, scored, "References", **{"compare.ratio": 0.5})
    texts = view_texts(app)
    # The second reference has the same losses: the two agree in everything.
    assert (after(texts, "A keeps"), after(texts, "In both")) == ("210", "210")
    assert after(texts, "Rank agreement") == "+1.00"
    assert len(app.get("plotly_chart")) == 1
    assert "--run r-0001" in app.code[0].value
    assert "--run r-0002" in app.code[0].value


def test_states_with_nothing_to_compare(scored: Project, tmp_path: Path, open_page: OpenPage) -> None:
    assert "Fewer than two selections" in view_text(open_compare(open_page, scored))
    unscored = imported_project(tmp_path / "unscored", {"math": 4})
    assert "No scores yet" in view_text(open_page(unscored.root, "compare"))


def test_a_selection_that_is_gone_is_not_asked_for(scored: Project, open_page: OpenPage) -> None:
    selections.save(scored, "one", SelectionSpec(value=0.2))
    selections.save(scored, "two", SelectionSpec(value=0.1))
    app = open_compare(open_page, scored, **{"compare.a-selection": "deleted long ago"})
    assert app.selectbox(key="compare.a-selection").value in ("one", "two")


def test_hostile_text_is_shown_as_text(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "hostile", {"math": 3}, hostile=True)
    state = {
        "compare.a-method": "learnability",
        "compare.b-method": "learnability",
        "compare.part": "both",
        "compare.ratio": 0.5,
    }
    text = view_text(open_compare(open_page, project, "Methods", **state))
    assert "\u202e" not in text
