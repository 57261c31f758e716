"""Shuffled input gives the same selection, and the cut instrument the same numbers as the selection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobass_core.selection.cut_curves import cut_curves
from lobass_core.selection.score_table import SortedScores
from lobass_core.selection.select import select
from lobass_core.specs import Gates, SelectionSpec
from tests.score_tables import score_rows, shuffled, table_of

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
)
methods = st.sampled_from(
    ["learnability", "loss-drop", "loss-drop-sum", "base-loss", "reference-loss", "random", "length"]
)


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


def domains_of(rows):
    return tuple(sorted({row["domain"] for row in rows}))


@given(st.data(), score_rows(), st.integers(0, 10**6))
def test_shuffled_input_gives_the_same_picks_in_the_same_order(data, rows, seed):
    spec = data.draw(specs(domains_of(rows)))
    straight = select(table_of(rows, NAMES), spec)
    other = select(table_of(shuffled(rows, seed), NAMES), spec)
    assert straight.row_key.tolist() == other.row_key.tolist()
    assert straight.domains == other.domains
    assert straight.dropped() == other.dropped()


@given(st.data(), score_rows())
def test_the_budget_is_met_and_decisions_hold(data, rows):
    spec = data.draw(specs(domains_of(rows)))
    table = table_of(rows, NAMES)
    result = select(table, spec)
    assert len(set(result.row_key.tolist())) == result.n_kept
    assert sum(share.got for share in result.domains) == result.n_kept
    assert result.tokens_kept == int(table.n_tokens[result.rows].sum())
    assert not (table.decision[result.rows] < 0).any()
    assert result.n_kept + sum(result.dropped().values()) == len(table)
    by_score = result.rows[~result.by_hand]
    assert (np.diff(table.score(spec.method, spec.seed)[by_score]) <= 0).all()
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
def test_the_cut_instrument_equals_the_selection(data, rows):
    table = table_of(rows, NAMES)
    spec = data.draw(specs(domains_of(rows)))
    plain = SortedScores.build(table, spec.method, seed=spec.seed)
    scores = plain.with_gates(spec.gates)
    answer, result = scores.answer(spec), select(table, spec)
    assert answer.domains == result.domains
    assert (answer.n_kept, answer.tokens_kept, answer.n_rows) == (result.n_kept, result.tokens_kept, result.n_rows)
    top = np.concatenate(
        [domain.rows[:n] for domain, n in zip(scores.domains, answer.n_by_score, strict=True)] or [np.zeros(0, int)]
    )
    assert sorted(table.row_key[top].tolist()) == sorted(result.row_key[~result.by_hand].tolist())


@given(score_rows(max_rows=60), st.sampled_from(["learnability", "length", "random", "loss-drop"]))
def test_curves_count_exactly_at_every_knot_and_bin(rows, method):
    scores = SortedScores.build(table_of(rows, NAMES), method)
    curves = cut_curves(scores, n_knots=16, n_bins=8)
    for curve, domain in zip(curves.domains, scores.domains, strict=True):
        score, tokens = -domain.minus_score, scores.table.n_tokens[domain.rows]
        assert curve.n_above.tolist() == [int((score >= knot).sum()) for knot in curve.knots]
        assert curve.tokens_above.tolist() == [int(tokens[score >= knot].sum()) for knot in curve.knots]
        inside = score[(score >= curves.bin_edges[0]) & (score <= curves.bin_edges[-1])]
        assert curve.bins.tolist() == np.histogram(inside, curves.bin_edges)[0].tolist()
        assert curve.n_below_axis + curve.bins.sum() + curve.n_above_axis == curve.n_competing == len(score)
        if len(score):
            assert (curve.n_above[0], curve.n_above[-1]) == (len(score), 0)
