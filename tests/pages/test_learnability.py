"""The Learnability page: its numbers are the workflow's, its brush is exact, and every state has a face."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from lobass_core.project import Project
from lobass_core.workflows import browse, explore
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.explore import Box
from pages.components import charts, theme
from pages.components.charts import Brush
from pages.components.learnability import brush, save
from pages.components.learnability.length_view import verdict
from pages.components.learnability.plane_view import region_box
from pages.components.learnability.tables_view import length_range
from tests.pages.conftest import OpenPage, view_text, view_texts
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
    assert texts[texts.index("Base loss, mean") + 1] == theme.number(total.base_loss, 2)
    assert "base-7b" in texts
    assert "ref-1ep" in texts


def test_distribution_has_a_line_a_domain_and_counts_what_it_leaves_out(scored: Project, open_page: OpenPage) -> None:
    rows = explore.scored(scored)
    shape = explore.distribution(rows)
    app = open_view(open_page, scored, "Distributions", **{"learnability.form": "count"})
    drawn = figure(app)
    assert [trace["name"].split(" · ")[:2] for trace in drawn["data"]] == [["conversation", "300"], ["math", "120"]]
    # Each count stands at both edges of its bin.
    assert drawn["data"][0]["y"][::2] == shape.counts[0].tolist()
    n_beyond = int(shape.n_below.sum() + shape.n_above.sum())
    assert ("Beyond the axis" in captions(app)) == bool(n_beyond)
    assert int(shape.n.sum()) == 420


@pytest.mark.parametrize("measure", ["learnability", "base-loss", "reference-loss", "length"])
@pytest.mark.parametrize("form", ["density", "count", "cumulative"])
def test_every_measure_in_every_form_has_a_sentence(scored: Project, open_page: OpenPage, measure, form) -> None:
    app = open_view(open_page, scored, "Distributions", **{"learnability.measure": measure, "learnability.form": form})
    assert "Drag across it to browse those rows." in captions(app)
    assert len(figure(app)["data"]) == 2


def test_many_domains_become_small_plots(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "many", {f"domain {k}": 12 for k in range(8)})
    drawn = figure(open_view(open_page, project, "Distributions"))
    assert [trace["xaxis"] for trace in drawn["data"]] == ["x", *[f"x{k}" for k in range(2, 9)]]
    assert len(drawn["layout"]["annotations"]) == 8


def test_plane_regions_add_up_and_open_the_rows_they_count(scored: Project, open_page: OpenPage) -> None:
    rows = explore.scored(scored)
    app = open_view(open_page, scored, "Loss plane", **{"learnability.cut": 0.3})
    found = explore.plane(rows, cut=0.3, known_below=0.69)
    text = view_texts(app)
    for k, domain in enumerate(found.grid.names):
        assert found.region_counts[k].sum() == (300, 120)[k]
        for region, n in enumerate(found.region_counts[k].tolist()):
            assert theme.count(n) in text
            box = region_box(domain, region, 0.3, 0.69)
            assert explore.n_within(rows, box) == n
            # The same link finds the same rows.
            asked = BrowseFilter.from_query(brush.query(box, ()))
            assert browse.find(scored, asked).n_found == n
    names = [note["text"] for note in figure(app)["layout"]["annotations"]]
    assert any(name.startswith("learnable ") for name in names)
    assert any(name.startswith("too hard or noisy ") for name in names)


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
    box = Box(domains=("math",), score=(0.25, 0.5), tokens=(10, None))
    n = explore.n_within(rows, box)
    assert 0 < n < 120
    app = open_view(open_page, scored, "Distributions", **{brush.KEY: box})
    assert f"Browse these {n} samples" in [button.label for button in app.button]
    assert "math · learnability 0.25 – 0.50 · tokens from 10" in view_text(app)
    before = figure(app)
    app.button(key="learnability.clear").click().run()
    assert "Browse all 420 samples" in [button.label for button in app.button]
    # The figure changes, or the box would stay on it.
    assert figure(app) != before


def test_the_dataset_filter_narrows_everything(scored: Project, open_page: OpenPage) -> None:
    app = open_view(open_page, scored, "Distributions", datasets=["math"])
    assert "Browse all 120 samples" in [button.label for button in app.button]
    assert len(figure(app)["data"]) == 1


def test_states_without_scores(tmp_path: Path, open_page: OpenPage) -> None:
    empty = Project.create(tmp_path / "empty")
    assert "Nothing is scored yet" in view_text(open_page(empty.root, "learnability"))
    unscored = imported_project(tmp_path / "unscored", {"math": 4})
    assert "Nothing is scored yet" in view_text(open_page(unscored.root, "learnability"))


def test_one_scored_row_is_enough_for_every_view(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "one", {"math": 1}, hostile=True)
    for view in ("Distributions", "Loss plane", "Length", "Tables"):
        app = open_view(open_page, project, view)
        assert HOSTILE not in view_text(app)


def test_hostile_domain_names_stay_text(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "hostile", {"<b>x & y": 30, "math": 30})
    drawn = figure(open_view(open_page, project, "Distributions"))
    assert drawn["data"][0]["name"].startswith("&lt;b&gt;x &amp; y · 30")


def test_brushes_arrive_from_any_panel_in_any_direction() -> None:
    assert charts.brush_of(None) is None
    assert charts.brush_of({"selection": {"box": []}}) is None
    state = {"selection": {"box": [{"xref": "x3", "yref": "y3", "x": [2.0, 0.5], "y": [0.79, 0.29]}]}}
    assert charts.brush_of(state) == Brush(2, (0.5, 2.0), (0.29, 0.79))
    assert charts.brush_of({"selection": {"box": [{"xref": "x", "x": [1, 2], "y": []}]}}) == Brush(0, (1.0, 2.0), None)


def test_queries_keep_every_digit() -> None:
    box = Box(domains=("math",), score=(0.1 + 0.2, None), base=(None, math.nextafter(0.69, 0)), tokens=(3, 9))
    assert brush.query(box, ("gsm8k",)) == {
        "dataset": ["gsm8k"],
        "domain": ["math"],
        "score": "0.30000000000000004..",
        "base": "..0.6899999999999998",
        "tokens": "3..9",
    }
    assert brush.query(Box(), ()) == {}
    assert brush.whole_tokens((2.2, 9.9)) == (3, 9)


def test_length_bins_read_back() -> None:
    assert length_range("1–4") == (1, 4)
    assert length_range("512–1,023") == (512, 1023)
    assert length_range("1,024 or more") == (1024, None)


def test_csv_keeps_digits_and_quotes_formulas() -> None:
    text = save.csv_text(("domain", "value"), [("=SUM(A1)", 0.1 + 0.2), ("a,b", None), ("-x", 3)])
    assert text == "domain,value\n'=SUM(A1),0.30000000000000004\n\"a,b\",\n'-x,3\n"


@pytest.mark.parametrize(
    ("rho", "said"),
    [
        (None, "Too few rows"),
        (0.1, "hardly follows"),
        (-0.3, "leans on the length: shorter"),
        (0.8, "mostly follows the length: longer"),
    ],
)
def test_the_verdict_on_length(rho, said) -> None:
    assert said in verdict(rho)


def test_an_empty_cell_is_nothing_not_zero(scored: Project, open_page: OpenPage) -> None:
    cells = figure(open_view(open_page, scored, "Loss plane"))["data"][0]
    shown = np.array([[value is not None for value in line] for line in cells["z"]])
    assert np.array_equal(shown, np.array(cells["customdata"]) > 0)
