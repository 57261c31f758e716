"""Shuffled input gives the same selection, and the sorted arrays what a plain selection gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lobass_core.learnability.measure_values import values_of
from lobass_core.selection.cut_curves import cut_curves
from lobass_core.selection.sorted_scores import SortedScores
from lobass_core.specs import Gates, SelectionSpec
from tests import brute_force_selection
from tests.score_tables import USUAL, score_rows, select, shuffled, with_column
from tests.score_tables import table_of as plain_table_of

pytestmark = pytest.mark.slow

NAMES = {1: "one", 2: "two", 3: "three"}

gates_of = st.builds(
    Gates,
    min_response_tokens=st.integers(0, 6),
    min_learnability=st.one_of(st.none(), st.floats(-1, 1)),
    exclude_truncated=st.booleans(),
    exclude_negative=st.booleans(),
    exclude_near_zero_base=st.booleans(),
    exclude_duplicates=st.booleans(),
    exclude_worse_than_chance=st.booleans(),
    exclude_overlap=st.booleans(),
    bands=st.sampled_from(
        [(), (("length", 2.0, 9.0),), (("base-loss", None, 2.0), ("reference-bits-per-byte", 0.1, None))]
    ),
)
methods = st.sampled_from([*USUAL, "least"])


def table_of(rows, names):
    """With a column of many ties, of which the lowest is the best."""
    table = plain_table_of(rows, names)
    values = np.where(table.tie_key % 5 == 4, np.nan, table.tie_key % 5)
    return with_column(table, "least", values, higher_is_better=False)


@st.composite
def specs(draw: st.DrawFn, domains: tuple[str, ...]) -> SelectionSpec:
    budget, value = draw(
        st.one_of(
            st.tuples(st.just("ratio"), st.floats(0.001, 1.0)),
            st.tuples(st.just("samples"), st.integers(0, 50).map(float)),
            st.tuples(st.just("tokens"), st.integers(0, 400).map(float)),
            st.tuples(st.just("threshold"), st.floats(-2, 9)),
        )
    )
    balances = ["natural", "equal", "global", "custom"] if domains else ["natural", "equal", "global"]
    balance = "global" if budget == "threshold" else draw(st.sampled_from(balances))
    weights = ()
    if balance == "custom":
        chosen = draw(st.lists(st.sampled_from(domains), unique=True, min_size=1))
        weights = tuple((name, draw(st.sampled_from([0.1, 0.25, 1.0, 3.0]))) for name in chosen)
    return SelectionSpec(
        method=draw(methods),
        budget=budget,
        value=value,
        balance=balance,
        weights=weights,
        gates=draw(gates_of),
        seed=draw(st.integers(0, 3)),
    )


def assume_counted(table, spec):
    """A budget of tokens is refused where rows compete that nobody has read; other tests see to that."""
    scores = SortedScores.build(table, spec.method, seed=spec.seed, datasets=spec.datasets, gates=spec.gates)
    assume(spec.budget != "tokens" or not scores.n_uncounted)


def domains_of(rows):
    return tuple(sorted({row["domain"] for row in rows}))


@given(st.data(), score_rows(), st.integers(0, 10**6))
def test_shuffled_input_gives_the_same_picks_in_the_same_order(data, rows, seed):
    spec = data.draw(specs(domains_of(rows)))
    assume_counted(table_of(rows, NAMES), spec)
    straight = select(table_of(rows, NAMES), spec)
    other = select(table_of(shuffled(rows, seed), NAMES), spec)
    assert straight.row_key.tolist() == other.row_key.tolist()
    assert straight.domains == other.domains
    assert straight.dropped() == other.dropped()


@given(st.data(), score_rows())
def test_the_budget_is_met_and_decisions_hold(data, rows):
    spec = data.draw(specs(domains_of(rows)))
    table = table_of(rows, NAMES)
    assume_counted(table, spec)
    result = select(table, spec)
    assert len(set(result.row_key.tolist())) == result.n_kept
    assert sum(share.got for share in result.domains) == result.n_kept
    assert result.tokens_kept == int(table.n_tokens[result.rows].sum())
    assert result.n_uncounted == int((~table.is_counted[result.rows]).sum())
    assert not (table.decision[result.rows] < 0).any()
    assert result.n_kept + sum(result.dropped().values()) == len(table)
    falling = np.diff(values_of(table, spec.method, spec.seed)[result.rows[~result.by_hand]])
    assert (falling <= 0).all() if spec.method != "least" else (falling >= 0).all()
    if spec.gates.exclude_duplicates:
        sample_keys = table.sample_key[result.rows].tolist()
        assert len(set(sample_keys)) == len(sample_keys)
    n_by_hand = int(result.by_hand.sum())
    if spec.budget == "samples":
        assert result.n_kept <= max(spec.value, n_by_hand)
        if result.n_kept < spec.value and spec.balance != "custom":
            assert "below the cut" not in result.dropped()
    if spec.budget == "tokens" and not n_by_hand:
        assert result.tokens_kept <= spec.value


@given(st.data(), score_rows())
def test_the_sorted_arrays_give_what_the_plain_way_gives(data, rows):
    table = table_of(rows, NAMES)
    datasets = data.draw(st.sampled_from([(), ("one",), ("one", "three")]))
    spec = replace(data.draw(specs(domains_of(rows))), datasets=tuple(set(datasets) & set(table.datasets)))
    assume_counted(table, spec)
    plain = SortedScores.build(table, spec.method, seed=spec.seed, datasets=spec.datasets)
    scores = plain.with_gates(spec.gates)
    found, expected = scores.select(spec), brute_force_selection.select(table, spec)
    assert found.domains == scores.answer(spec).domains == expected.domains
    for name in ("rows", "row_key", "by_hand", "reason_codes"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist(), name
    assert np.array_equal(found.score, expected.score, equal_nan=True)


@given(score_rows(max_rows=60), st.sampled_from(["learnability", "length", "random", "loss-drop", "least"]))
def test_curves_count_exactly_at_every_knot_and_bin(rows, method):
    scores = SortedScores.build(table_of(rows, NAMES), method)
    curves = cut_curves(scores, n_knots=16, n_bins=8)
    for curve, domain in zip(curves.domains, scores.domains, strict=True):
        score, tokens = -domain.cost, scores.table.n_tokens[domain.rows]
        assert curve.n_above.tolist() == [int((score >= knot).sum()) for knot in curve.knots]
        assert curve.tokens_above.tolist() == [int(tokens[score >= knot].sum()) for knot in curve.knots]
        inside = score[(score >= curves.bin_edges[0]) & (score <= curves.bin_edges[-1])]
        assert curve.bins.tolist() == np.histogram(inside, curves.bin_edges)[0].tolist()
        assert curve.n_below_axis + curve.bins.sum() + curve.n_above_axis == curve.n_competing == len(score)
        if len(score):
            assert (curve.n_above[0], curve.n_above[-1]) == (len(score), 0)
