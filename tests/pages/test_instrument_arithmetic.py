"""The browser's previews against the server's exact answers, run in node where there is one.

Tolerance: previews interpolate between about a thousand points, so a domain may be a few rows off; at a snapped
threshold nothing is interpolated, and the counts are equal.
"""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lobass_core.selection.score_table import SortedScores
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
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine: the previews are checked in the browser tests alone")
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
    above = scores.domains[0].n_at_least(0.3)
    assert exact.domains[0].got == pytest.approx(above, rel=0.01)
    assert weighted["value"] == 0.06
    assert weighted["weights"]["chat"] < 0.05
