"""The browser's previews against the server's exact answers, run in the node that playwright brings.

Tolerance: previews interpolate between about a thousand points, so a domain may be a few rows off; at a snapped
threshold nothing is interpolated, and the counts are equal.
"""

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from playwright._impl._driver import compute_driver_executable

from lobass_core.selection.balance import largest_remainder, n_wanted, share_budget
from lobass_core.selection.sorted_scores import SortedScores
from lobass_core.specs import SelectionSpec
from pages.components import cut_instrument
from tests.score_tables import learnable, table_of

ARITHMETIC = Path(cut_instrument.__file__).with_name("arithmetic.js")
SCRIPT = """
const given = JSON.parse(require("fs").readFileSync(0, "utf8"))
const floats = ([name, values]) => [name, Float64Array.from(values)]
const columns = Object.fromEntries(Object.entries(given.knots).map(floats))
const model = { nRows: given.n_rows, leastRatio: given.least_ratio, axis: given.axis, domains: given.domains,
                ...curvesOf(given.domains.length, columns) }
console.log(JSON.stringify(given.asked.map(([name, ...rest]) => {
  if (name === "preview") return preview(model, rest[0])
  if (name === "share") return shareBudget(...rest)
  if (name === "remainder") return largestRemainder(...rest)
  if (name === "wanted") return wanted(model, ...rest)
  if (name === "weight") return withWeight(model, ...rest)
  if (name === "cut") return cutAt(model, ...rest)
  if (name === "handle") return handleAt(model, ...rest)
  return holding(model, ...rest)
})))
"""


@pytest.fixture(scope="module")
def scores() -> SortedScores:
    """6,000 rows in three domains, one with a score that 800 rows share, some kept by hand."""
    random = np.random.default_rng(0)
    rows = []
    for key in range(6000):
        domain = ("chat", "code", "math")[int(key % 10 > 5) + int(key % 10 > 8)]
        score = 0.5 if domain == "code" and key % 3 == 0 else float(random.normal(0.3, 0.2))
        rows.append(
            learnable(key, min(score, 0.95), domain, n=int(random.integers(2, 300)), decision=int(key in (3, 9, 77)))
        )
    return SortedScores.build(table_of(rows))


def ask(scores: SortedScores, *asked: list) -> list:
    """Evaluate calls of arithmetic.js over the payload that the page would send."""
    node, _ = compute_driver_executable()
    built = cut_instrument.tables(scores, {}, "t").fixed
    given = {
        **{key: value for key, value in built.items() if key != "knots"},
        "knots": {
            name: column.to_pylist()
            for name, column in zip(built["knots"].column_names, built["knots"].columns, strict=True)
        },
        "asked": asked,
    }
    source = ARITHMETIC.read_text(encoding="utf-8") + SCRIPT
    done = subprocess.run([node, "-e", source], input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def as_js(spec: SelectionSpec) -> dict:
    return {"budget": spec.budget, "value": spec.value, "balance": spec.balance, "weights": dict(spec.weights)}


BALANCED = [
    SelectionSpec(value=value, balance=balance, weights=weights)
    for value in (0.015, 0.06, 0.5, 1.0)
    for balance, weights in (
        ("natural", ()), ("equal", ()), ("custom", (("chat", 0.2), ("code", 0.7), ("math", 0.1))),
    )
]  # fmt: skip


def test_balanced_counts_equal_the_server(scores: SortedScores) -> None:
    answers = ask(scores, *[["preview", as_js(spec)] for spec in BALANCED])
    for spec, found in zip(BALANCED, answers, strict=True):
        exact = scores.answer(spec)
        assert [domain["kept"] for domain in found["domains"]] == [share.got for share in exact.domains], spec
        assert [domain["exhausted"] for domain in found["domains"]] == [share.exhausted for share in exact.domains]
        assert found["tokens"] == pytest.approx(exact.tokens_kept, rel=0.01)


def test_global_counts_are_within_a_few_rows_and_sum_exactly(scores: SortedScores) -> None:
    specs = [SelectionSpec(value=value, balance="global") for value in (0.015, 0.06, 0.167, 0.5, 0.9)]
    for spec, found in zip(specs, ask(scores, *[["preview", as_js(spec)] for spec in specs]), strict=True):
        exact = scores.answer(spec)
        assert found["kept"] == exact.n_kept
        for domain, share in zip(found["domains"], exact.domains, strict=True):
            assert domain["kept"] == pytest.approx(share.got, abs=4)


def test_snapped_thresholds_are_exact_on_both_sides_of_a_shared_score(scores: SortedScores) -> None:
    for value in (0.5, float(np.nextafter(0.5, 1))):
        spec = SelectionSpec(budget="threshold", value=value, balance="global")
        [found] = ask(scores, ["preview", as_js(spec)])
        assert [domain["kept"] for domain in found["domains"]][1] == scores.answer(spec).domains[1].got


def test_share_budget_is_the_server_s(scores: SortedScores) -> None:
    # 10 by 1:1:1 with ceilings 2, 9, 9: what the first cannot take goes to the others.
    [found] = ask(scores, ["share", 10, [1, 1, 1], [0, 0, 0], [2, 9, 9]])
    assert found == {"asked": [4, 3, 3], "granted": [2, 4, 4], "exhausted": [True, False, False]}


def test_weights_stay_shares_and_the_others_keep_their_proportions(scores: SortedScores) -> None:
    spec = as_js(SelectionSpec(balance="custom", weights=(("chat", 0.2), ("code", 0.6), ("math", 0.2))))
    [found] = ask(scores, ["weight", spec, 2, 0.6])
    assert found["weights"] == {"chat": 0.1, "code": 0.3, "math": 0.6}
    [alone] = ask(scores, ["weight", spec, 1, 1.0])
    assert alone["weights"] == {"chat": 0.0, "code": 1.0, "math": 0.0}


def test_holding_another_budget_keeps_the_rows(scores: SortedScores) -> None:
    spec = SelectionSpec(budget="samples", value=400, balance="global")
    [ratio, threshold] = ask(scores, ["holding", as_js(spec), "ratio"], ["holding", as_js(spec), "threshold"])
    again = SelectionSpec(value=ratio["value"], balance="global")
    assert scores.answer(again).n_kept == 400
    kept = scores.answer(SelectionSpec(budget="threshold", value=threshold["value"], balance="global")).n_kept
    assert kept == pytest.approx(400, abs=6)


def test_a_handle_moves_the_total_in_natural_and_the_weight_in_custom(scores: SortedScores) -> None:
    natural, custom = (
        as_js(SelectionSpec()),
        as_js(SelectionSpec(balance="custom", weights=(("chat", 1), ("code", 1), ("math", 1)))),
    )
    moved, weighted = ask(scores, ["handle", natural, 0, 0.3], ["handle", custom, 0, 0.9])
    exact = scores.answer(SelectionSpec(value=moved["value"]))
    above = scores.domains[0].n_within_cost(-0.3)
    assert exact.domains[0].got == pytest.approx(above, rel=0.01)
    assert weighted["value"] == 0.06
    assert weighted["weights"]["chat"] < 0.05


def test_whole_shares_are_the_server_s_in_a_thousand_drawn_cases(scores: SortedScores) -> None:
    random = np.random.default_rng(1)
    cases = [[3, [0.1, 0.2]], [29, [0.1, 0.2, 0.7]], [10, [0.35, 0.35, 0.3]], [0, [1.0, 2.0]], [7, [0.0, 0.0]]]
    for _ in range(1000):
        weights = [round(float(weight), int(random.integers(0, 4))) for weight in random.uniform(0, 1, 1 + _ % 8)]
        cases.append([int(random.integers(0, 5000)), weights])
    found = ask(scores, *[["remainder", *case] for case in cases])
    for (total, weights), shares in zip(cases, found, strict=True):
        exact = largest_remainder(total, [Fraction(repr(weight)) for weight in weights])
        assert shares == exact, (total, weights)


def test_grants_between_floors_and_ceilings_are_the_server_s_in_drawn_cases(scores: SortedScores) -> None:
    random = np.random.default_rng(2)
    cases = []
    for case in range(300):
        n = 1 + case % 8
        weights = [int(weight) for weight in random.integers(0, 50, n)]
        floors = [int(floor) for floor in random.integers(0, 40, n) * random.integers(0, 2, n)]
        ceilings = [floor + int(more) for floor, more in zip(floors, random.integers(0, 200, n), strict=True)]
        cases.append([int(random.integers(0, 900)), weights, floors, ceilings])
    for case, found in zip(cases, ask(scores, *[["share", *case] for case in cases]), strict=True):
        total, weights, floors, ceilings = case
        exact = share_budget(total, [Fraction(weight) for weight in weights], floors, ceilings)
        assert found == {"asked": exact.asked, "granted": exact.granted, "exhausted": exact.exhausted}, case


def test_a_ratio_asks_for_the_server_s_number_of_rows(scores: SortedScores) -> None:
    # 0.25 of 6,000 and a half row more: halves round up.
    ratios = [0.25, 1500.5 / 6000, 1499.5 / 6000, 0.0600833333, 0.167, 1.0]
    specs = [SelectionSpec(value=ratio) for ratio in ratios]
    assert ask(scores, *[["wanted", as_js(spec)] for spec in specs]) == [n_wanted(spec, 6000) for spec in specs]


def test_a_cut_put_at_a_score_is_the_same_amount_in_the_unit_of_the_budget(scores: SortedScores) -> None:
    """Both ratios of a person's writing: four digits from 1 % on, five from 0.1 %, six below."""
    exact = [SelectionSpec(budget="threshold", value=at, balance="global") for at in (0.31, 0.62, 0.8, 0.9)]
    kept = [scores.answer(spec) for spec in exact]
    for budget, amount, off in (
        ("tokens", [answer.tokens_kept for answer in kept], 800),
        ("samples", [answer.n_kept for answer in kept], 4),
    ):
        moved = ask(scores, *[["cut", as_js(SelectionSpec(budget=budget, value=1)), spec.value] for spec in exact])
        assert [spec["budget"] for spec in moved] == [budget] * 4
        assert [spec["value"] for spec in moved] == pytest.approx(amount, abs=off)
    moved = ask(scores, *[["cut", as_js(SelectionSpec()), spec.value] for spec in exact])
    for spec, answer in zip(moved, kept, strict=True):
        share = answer.n_kept / 6000
        assert spec["value"] == pytest.approx(share, abs=4 / 6000)
        assert spec["value"] == round(spec["value"], 4 if share >= 0.01 else 5 if share >= 0.001 else 6)


def test_a_threshold_is_put_at_three_digits_of_the_axis(scores: SortedScores) -> None:
    asked = as_js(SelectionSpec(budget="threshold", value=0.2, balance="global"))
    [moved] = ask(scores, ["cut", asked, 0.123456])
    assert (moved["budget"], moved["value"]) == ("threshold", 0.123)


def test_no_ratio_is_below_the_least_that_keeps_a_row() -> None:
    hundred = SortedScores.build(table_of([learnable(key, key / 200, "chat") for key in range(100)]))
    [moved] = ask(hundred, ["cut", as_js(SelectionSpec()), 5.0])
    assert moved["value"] == 0.005


def test_everything_has_its_cut_at_the_lowest_score(scores: SortedScores) -> None:
    [found] = ask(scores, ["preview", as_js(SelectionSpec(value=1.0))])
    exact = scores.answer(SelectionSpec(value=1.0))
    assert [domain["cut"] for domain in found["domains"]] == [share.threshold for share in exact.domains]


def test_weights_with_an_exponent_are_read_as_written(scores: SortedScores) -> None:
    assert ask(scores, ["remainder", 10, [1e-7, 3e-7]], ["remainder", 10, [1e21, 1e21]]) == [[3, 7], [5, 5]]


@pytest.mark.parametrize(
    ("n", "window", "height"),
    [
        (8, (1280, 800), 38),
        (4, (1599, 1200), 56),
        (8, (1920, 1080), 97),
        (30, (1920, 1080), 38),
        (2, (1920, 1080), 240),
    ],
)
def test_ridges_use_the_height_of_a_wide_window(n: int, window: tuple[int, int], height: int) -> None:
    node, _ = compute_driver_executable()
    stage = ARITHMETIC.with_name("stage.js").read_text(encoding="utf-8")
    program = f"{stage}\nconsole.log(rowHeightFor({n}, {window[0]}, {window[1]}))"
    assert subprocess.run([node, "-e", program], capture_output=True, text=True, check=True).stdout == f"{height}\n"
