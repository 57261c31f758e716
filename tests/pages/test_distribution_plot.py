"""Where the distribution chart puts values: each comes back from its place, and a bin holds its lower edge."""

import itertools
import json
import subprocess
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

from pages.components import distribution_chart

FOLDER = Path(distribution_chart.__file__).parent
SOURCES = (FOLDER / "../cut_instrument/format.js", FOLDER / "plot.js")
DOMAIN = {"name": "math", "slot": 0, "n": 4, "median": 0.5, "top": 1.0, "heights": [0.0, 0.25, 1.0], "counts": [1, 3]}


def ask(script: str, data: dict) -> object:
    """Evaluate an expression over plot.js with `data` at hand."""
    node, _ = compute_driver_executable()
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    program = f"{sources}\nconst data = {json.dumps(data)}\nconsole.log(JSON.stringify({script}))"
    return json.loads(subprocess.run([node, "-e", program], capture_output=True, text=True, check=True).stdout)


def chart(edges: list[float], *, n: int = 3, log: bool = False, form: str = "density") -> dict:
    return {"edges": edges, "log": log, "form": form, "ridges": n > 2, "domains": [DOMAIN] * n}


@pytest.mark.parametrize("log", [False, True], ids=["linear", "log"])
@pytest.mark.parametrize("n", [1, 3])
def test_a_value_comes_back_from_its_place(log: bool, n: int) -> None:
    values = [0.5, 0.75, 3.0, 19.5]
    found = ask(
        f"(() => {{ const at = layoutOf(data, 1232, 440); return {values}.map((v) => at.valueAt(at.x(v))) }})()",
        chart([0.5, 5.0, 20.0], n=n, log=log),
    )
    assert found == pytest.approx(values)


def test_what_lies_beyond_the_plot_is_its_end() -> None:
    data = chart([-0.5, 0.0, 1.0])
    assert ask("[-50, 5000].map(layoutOf(data, 1232, 440).valueAt)", data) == [-0.5, 1.0]


def test_ridges_stand_one_below_the_other_within_the_height() -> None:
    bases, box = ask("(() => { const at = layoutOf(data, 1232, 440); return [[0, 1, 2].map(at.base), at] })()",
                     chart([0.0, 1.0, 2.0]))  # fmt: skip
    assert [round(lower - upper) for upper, lower in itertools.pairwise(bases)] == [131, 131]
    assert bases[-1] <= box["top"] + box["height"]
    assert box["drawn"] < box["room"]


@pytest.mark.parametrize(("value", "bin_"), [(0.0, 0), (0.99, 0), (1.0, 1), (2.0, 1), (-1, 0), (9, 1)])
def test_bins_are_closed_below(value: float, bin_: int) -> None:
    assert ask(f"binOf(data.edges, {value})", chart([0.0, 1.0, 2.0])) == bin_


def test_a_cumulative_line_is_straight_between_edges() -> None:
    data = chart([0.0, 1.0, 2.0], form="cumulative")
    assert ask("[0, 0.5, 1.5, 2].map((v) => heightAt(data, data.domains[0], v))", data) == [0, 0.125, 0.625, 1]


def test_ticks_of_lengths_are_1_2_5() -> None:
    data = chart([1.5, 10.5, 300.5], log=True)
    assert ask("ticksAlong(data, layoutOf(data, 1232, 440))", data) == [2, 5, 10, 20, 50, 100, 200]


@pytest.mark.parametrize("form", ["density", "count", "cumulative"])
@pytest.mark.parametrize("width", [600, 1232])
def test_a_legend_stands_above_the_highest_point_of_any_line(form: str, width: int) -> None:
    script = (
        f"(() => {{ const at = layoutOf(data, {width}, 440); return [at.base(0) - at.drawn, [0, 1].map(legendY)] }})()"
    )
    highest, lines = ask(script, chart([0.0, 1.0, 2.0], n=2, form=form))
    letters_below_the_line = 4
    last = lines[1] if width == 600 else lines[0]
    assert last + letters_below_the_line < highest
