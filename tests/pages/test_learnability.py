"""The Learnability page: its numbers are the workflow's, its brush is exact, and every state has a face."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from lobass_core.learnability.distributions import distribution
from lobass_core.learnability.measure_values import values_of
from lobass_core.learnability.regions import LEAST_LEARNABLE, Limits
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import browse, explore
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.cut import learnability_cuts, open_cut
from pages.components import charts, distribution_chart, theme
from pages.components.charts import Brush
from pages.components.learnability import brush, limits, save
from pages.components.learnability.limits import MovedLimits
from pages.components.learnability.plane_view import region_filter
from pages.components.learnability.tables_view import length_range
from pages.components.selection import draft
from tests.filters import ranged
from tests.pages.conftest import OpenPage, component_data, view_text, view_texts
from tests.pages.projects import HOSTILE, imported_project, scored_project


def figure(app) -> dict:
    """The one chart on the page."""
    (element,) = app.get("plotly_chart")
    return json.loads(element.proto.spec)


def open_view(open_page: OpenPage, project: Project, view: str, **state: object):
    app = open_page(project.root, "learnability", state={"learnability.view": view, **state})
    assert not app.exception
    return app


def captions(app) -> str:
    return " ".join(caption.value for caption in app.caption)


def test_key_numbers_are_the_workflows(scored: Project, open_page: OpenPage) -> None:
    total = explore.total(explore.scored(scored))
    texts = view_texts(open_view(open_page, scored, "Distributions"))
    assert texts[texts.index("Rows") + 1] == "420"
    assert texts[texts.index("Learnability, median") + 1] == theme.number(total.learnability_median)
    assert texts[texts.index("Base loss, mean of rows") + 1] == theme.number(total.base_loss, 2)
    assert "base-7b" in texts
    assert "ref-1ep" in texts


def chart(app) -> dict:
    """What the distribution chart was given."""
    (found,) = [data for data in component_data(app) if isinstance(data, dict) and "ridges" in data]
    return found


def test_distribution_has_a_line_a_domain_and_counts_what_it_leaves_out(scored: Project, open_page: OpenPage) -> None:
    rows = explore.scored(scored)
    shape = explore.distribution(rows)
    app = open_view(open_page, scored, "Distributions", **{"learnability.form": "count"})
    # The first view waits for no charting library.
    assert not app.get("plotly_chart")
    drawn = chart(app)
    assert not drawn["ridges"]
    assert [(one["name"], one["n"]) for one in drawn["domains"]] == [("conversation", 300), ("math", 120)]
    assert drawn["domains"][0]["heights"] == shape.counts[0].tolist()
    assert [one["median"] for one in drawn["domains"]] == shape.median.tolist()
    n_beyond = int(shape.n_below.sum() + shape.n_above.sum())
    assert ("Outside the axis" in captions(app)) == bool(n_beyond)
    assert int(shape.n.sum()) == 420


@pytest.mark.parametrize("measure", ["learnability", "base-loss", "reference-loss", "length"])
@pytest.mark.parametrize("form", ["density", "count", "cumulative"])
def test_every_measure_in_every_form_has_a_sentence(scored: Project, open_page: OpenPage, measure, form) -> None:
    app = open_view(open_page, scored, "Distributions", **{"learnability.measure": measure, "learnability.form": form})
    assert "Drag across the chart to select rows to browse." in captions(app)
    n_heights = len(chart(app)["edges"]) - (form != "cumulative")
    assert [len(one["heights"]) for one in chart(app)["domains"]] == [n_heights] * 2


@pytest.mark.parametrize(("n_domains", "ridges"), [(1, False), (2, False), (3, True), (8, True)])
def test_three_domains_and_more_are_ridges(n_domains: int, ridges: bool) -> None:
    code = np.arange(40) % n_domains
    names = tuple(f"domain {k}" for k in range(n_domains))
    # The first domain lies in one bin, the others spread: its peak must not press them flat.
    values = np.where(code == 0, 0.05, np.linspace(0, 1, 40))
    shape = distribution(values, code, names, np.linspace(0, 1, 11))
    sent = distribution_chart.payload(shape, form="density", slots={}, title="", name="", label="", picture="png")
    assert sent["ridges"] == ridges
    tops = [one["top"] for one in sent["domains"]]
    peaks = [max(one["heights"]) for one in sent["domains"]]
    assert tops == (peaks if ridges else [max(peaks)] * n_domains)
    counted = distribution_chart.payload(shape, form="count", slots={}, title="", name="", label="", picture="png")
    assert {one["top"] for one in counted["domains"]} == {float(shape.counts.max())}


def test_a_small_domain_does_not_set_the_scale_of_a_large_one() -> None:
    values, code = np.append(np.linspace(0, 1, 600), [0.5]), np.append(np.zeros(600, int), [1])
    shape = distribution(values, code, ("large", "small"), np.linspace(0, 1, 11))
    sent = distribution_chart.payload(shape, form="density", slots={}, title="", name="", label="", picture="png")
    assert [one["top"] for one in sent["domains"]] == [shape.density()[0].max()] * 2


def test_a_domain_without_a_value_has_a_flat_ridge_and_no_median() -> None:
    shape = distribution(np.array([0.5]), np.array([0]), ("a", "b", "c"), np.array([0.0, 1.0]))
    sent = distribution_chart.payload(shape, form="density", slots={}, title="", name="", label="", picture="png")
    assert [(one["n"], one["median"], one["top"]) for one in sent["domains"]] == [
        (1, 0.5, 1),
        (0, None, 1),
        (0, None, 1),
    ]


def test_plane_regions_add_up_and_open_the_rows_they_count(scored: Project, open_page: OpenPage) -> None:
    rows = explore.scored(scored)
    chosen = [Limits(0.3, 0.69), Limits(0.5, 1.1)]
    moved = {"conversation": MovedLimits(0.3, 0.69), "math": MovedLimits(0.5, 1.1)}
    app = open_view(open_page, scored, "Loss plane", **{limits.KEY: moved})
    found = explore.plane(rows, chosen)
    text = view_texts(app)
    for k, domain in enumerate(found.grid.names):
        assert found.region_counts[k].sum() == (300, 120)[k]
        for region, n in enumerate(found.region_counts[k].tolist()):
            assert theme.count(n) in text
            assert theme.percent(found.shares[k, region]) in text
            box = region_filter(domain, region, chosen[k])
            assert explore.n_within(rows, box) == n
            # The same link finds the same rows.
            asked = BrowseFilter.from_query(brush.query(box, ()))
            assert browse.find(scored, asked).n_found == n
    names = [note["text"] for note in figure(app)["layout"]["annotations"]]
    assert any(name.startswith("learnable ") for name in names)
    assert any(name.startswith("too hard or noisy ") for name in names)


def test_limits_are_the_upper_third_then_the_working_cut_then_where_a_person_puts_them(
    scored: Project, open_page: OpenPage
) -> None:
    rows = explore.scored(scored)
    app = open_view(open_page, scored, "Loss plane")
    usual = explore.usual_limits(rows)
    assert "Learnable starts at the domain's upper third." in view_text(app)
    assert all(theme.number(one.learnable_from) in view_texts(app) for one in usual)
    learnable = explore.plane(rows).region_counts[:, 0].tolist()
    assert learnable == [100, 40]
    # A working selection on Select: its cut in each domain, and so the rows that it keeps by their score.
    spec = SelectionSpec(value=0.1, balance="equal")
    app = open_view(open_page, scored, "Loss plane", **{draft.SPEC: spec})
    assert "Learnable starts at the working cut on Select." in view_text(app)
    cut = open_cut(scored, spec)
    placed = limits.placed(rows, learnability_cuts(cut), {})
    assert explore.plane(rows, [one.limits for one in placed]).region_counts[:, 0].tolist() == [21, 21]
    # By keyboard or mouse in the menu.
    app.text_input(key="learnability.w.learnable_from.1.typed").set_value("0,25").run()
    assert "at the working cut on Select in conversation; where you put it in math" in view_text(app)
    assert app.session_state[limits.KEY] == {"math": MovedLimits(0.25, None)}
    n = int((values_of(rows.table, "learnability")[rows.table.domain_code == 1] >= 0.25).sum())
    assert theme.count(n) in view_texts(app)
    app.text_input(key="learnability.w.known_below.all.typed").set_value("0.5").run()
    assert app.session_state[limits.KEY] == {"math": MovedLimits(0.25, 0.5), "conversation": MovedLimits(None, 0.5)}
    app.button(key="learnability.limits-back").click().run()
    assert "Learnable starts at the working cut on Select." in view_text(app)


def test_a_cut_of_another_score_says_nothing_of_learnability(scored: Project) -> None:
    assert learnability_cuts(open_cut(scored, SelectionSpec(method="base-loss"))) == {}
    assert limits.placed(explore.scored(scored), {"math": -0.5}, {})[1].limits.learnable_from == LEAST_LEARNABLE


def test_the_limits_stand_on_the_axes(scored: Project, open_page: OpenPage) -> None:
    moved = {"conversation": MovedLimits(0.25, 0.83), "math": MovedLimits(0.5, 1.17)}
    layout = figure(open_view(open_page, scored, "Loss plane", **{limits.KEY: moved}))["layout"]
    for number, (score, base) in {"": (0.25, 0.83), "2": (0.5, 1.17)}.items():
        for axis, value in ((layout[f"yaxis{number}"], score), (layout[f"xaxis{number}"], base)):
            assert axis["ticktext"][axis["tickvals"].index(value)] == f"<b>{value:.2f}</b>"
    # No other figure touches them.
    assert 1 not in layout["xaxis2"]["tickvals"]
    levels = {(line["yref"], line["y0"]) for line in layout["shapes"] if line["y0"] == line["y1"]}
    assert {("y", 0.25), ("y2", 0.5)} < levels
    assert [line["x0"] for line in layout["shapes"] if line["x0"] == line["x1"]] == [0.83, 1.17]


@pytest.mark.parametrize("text", ["math", "math:1", "math:x:1", "math:2:1", "math:0.1:0", "math:nan:1", "math::inf"])
def test_limits_of_an_address_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(ValueError):
        limits.read(text)


def test_limits_come_out_of_an_address_as_they_went_in(scored: Project) -> None:
    rows = explore.scored(scored)
    placed = limits.placed(rows, {"math": 0.1 + 0.2}, {"conversation": MovedLimits(None, 0.7)})
    texts = [one.parameter() for one in placed]
    assert texts == ["conversation::0.7", "math:0.30000000000000004:"]
    assert dict(limits.read(text) for text in texts) == {
        "conversation": MovedLimits(None, 0.7),
        "math": MovedLimits(0.30000000000000004, None),
    }
    assert limits.read("a:b:0.5:")[0] == "a:b"
    assert limits.placed(rows, {}, {})[0].parameter() == ""


def test_plane_against_reference_loss_draws_the_diagonal_and_no_regions(scored: Project, open_page: OpenPage) -> None:
    app = open_view(open_page, scored, "Loss plane", **{"learnability.against-reference": True})
    drawn = figure(app)
    assert drawn["layout"]["yaxis"]["type"] == "log"
    assert len(drawn["layout"]["shapes"]) == 2
    assert "On the dotted diagonal" in captions(app)


def test_length_prints_rho(scored: Project, open_page: OpenPage) -> None:
    app = open_view(open_page, scored, "Length")
    found = explore.length(explore.scored(scored))
    assert theme.signed(found.rho) in app.markdown[0].value
    assert all(f"ρ {theme.signed(rho)}" in str(figure(app)["layout"]) for rho in found.rho_by_domain)


def test_tables_by_domain_dataset_and_length(scored: Project, open_page: OpenPage) -> None:
    text = view_text(open_view(open_page, scored, "Tables"))
    for heading in ("By domain", "By dataset", "By response tokens", "1–4", "256–511"):
        assert heading in text


def test_a_brush_is_counted_named_and_cleared(scored: Project, open_page: OpenPage) -> None:
    rows = explore.scored(scored)
    box = ranged("math", learnability=(0.25, 0.5), length=(10, None))
    n = explore.n_within(rows, box)
    assert 0 < n < 120
    app = open_view(open_page, scored, "Distributions", **{brush.KEY: box})
    assert f"Browse these {n} rows" in [button.label for button in app.button]
    assert "math · learnability 0.25 – 0.50 · response tokens from 10" in view_text(app)
    assert chart(app)["brush"] == [0.25, 0.5]
    app.button(key="learnability.clear").click().run()
    assert "Browse all 420 rows" in [button.label for button in app.button]
    assert chart(app)["brush"] is None


def test_the_box_of_a_brush_is_the_filter_that_browse_reads(scored: Project) -> None:
    table = explore.scored(scored).table
    x, y = values_of(table, "base-loss"), values_of(table, "learnability")
    in_math = table.domain_code == table.domains.index("math")
    # Edges at values that rows have: both ends of a range belong to it.
    (x0, x1), (y0, y1) = (np.sort(values[in_math])[[20, 90]].tolist() for values in (x, y))
    wanted = in_math & (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    assert 0 < wanted.sum() < 71
    link = brush.query(brush.drawn({"base-loss": (x0, x1), "learnability": (y0, y1)}, ("math",)), ())
    found = browse.find(scored, BrowseFilter.from_query(link))
    assert sorted(found.rows.table.row_key[found.positions].tolist()) == table.row_key[wanted].tolist()


def test_the_dataset_filter_narrows_everything(scored: Project, open_page: OpenPage) -> None:
    app = open_view(open_page, scored, "Distributions", datasets=["math"])
    assert "Browse all 120 rows" in [button.label for button in app.button]
    assert [one["name"] for one in chart(app)["domains"]] == ["math"]


def test_states_without_scores(tmp_path: Path, open_page: OpenPage) -> None:
    empty = Project.create(tmp_path / "empty")
    unscored = imported_project(tmp_path / "unscored", {"math": 4})
    for page in ("learnability", "compare"):
        for project, step in ((empty, "Import data"), (unscored, "Score the data")):
            app = open_page(project.root, page)
            assert "No scores yet" in view_text(app) and app.button(key="empty-action").label == step


def test_one_scored_row_is_enough_for_every_view(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "one", {"math": 1}, hostile=True)
    for view in ("Distributions", "Loss plane", "Length", "Tables"):
        app = open_view(open_page, project, view)
        assert HOSTILE not in view_text(app)


def test_hostile_domain_names_stay_text(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "hostile", {"<b>x & y": 30, "math": 30})
    assert chart(open_view(open_page, project, "Distributions"))["domains"][0]["name"] == "<b>x & y"
    titles = [note["text"] for note in figure(open_view(open_page, project, "Loss plane"))["layout"]["annotations"]]
    assert "<b>&lt;b&gt;x &amp; y</b>" in titles[0]


def test_brushes_arrive_from_any_panel_in_any_direction() -> None:
    assert charts.brush_of(None) is None
    assert charts.brush_of({"selection": {"box": []}}) is None
    state = {"selection": {"box": [{"xref": "x3", "yref": "y3", "x": [2.0, 0.5], "y": [0.79, 0.29]}]}}
    assert charts.brush_of(state) == Brush(2, (0.5, 2.0), (0.29, 0.79))
    assert charts.brush_of({"selection": {"box": [{"xref": "x", "x": [1, 2], "y": []}]}}) == Brush(0, (1.0, 2.0), None)


def test_queries_keep_every_digit() -> None:
    box = ranged("math", learnability=(0.1 + 0.2, None), base_loss=(None, math.nextafter(0.69, 0)), length=(3, 9))
    assert brush.query(box, ("gsm8k",)) == {
        "dataset": ["gsm8k"],
        "domain": ["math"],
        "score": "0.30000000000000004..",
        "base": "..0.6899999999999998",
        "tokens": "3..9",
    }
    assert brush.query(ranged(), ()) == {}
    drawn = {"length": (2.2, 9.9), "base-loss": (0.5, 1.5), "learnability": None}
    assert brush.drawn(drawn, ("math",)) == ranged("math", length=(3, 9), base_loss=(0.5, 1.5))
    assert brush.drawn({"length": (2.2, 2.4)}) == ranged(length=(2, 2))


def test_length_bins_read_back() -> None:
    assert length_range("1–4") == (1, 4)
    assert length_range("512–1,023") == (512, 1023)
    assert length_range("1,024 or more") == (1024, None)


def test_csv_keeps_digits_and_quotes_formulas() -> None:
    text = save.csv_text(("domain", "value"), [("=SUM(A1)", 0.1 + 0.2), ("a,b", None), ("-x", 3)])
    assert text == "domain,value\n'=SUM(A1),0.30000000000000004\n\"a,b\",\n'-x,3\n"


def test_an_empty_cell_is_nothing_not_zero(scored: Project, open_page: OpenPage) -> None:
    cells = figure(open_view(open_page, scored, "Loss plane"))["data"][0]
    shown = np.array([[value is not None for value in line] for line in cells["z"]])
    assert np.array_equal(shown, np.array(cells["customdata"]) > 0)
