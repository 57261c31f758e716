"""Sorted scores and the browser's curves, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from lobass_core.learnability.score_table import ScoreColumn
from lobass_core.selection.cut_curves import cut_curves, score_axis
from lobass_core.selection.sorted_scores import SortedScores
from lobass_core.specs import Gates, SelectionSpec
from tests.score_tables import learnable, row, table_of

ROWS = [learnable(k, 0.9 - k / 10, "chat", n=5) for k in range(4)] + [
    learnable(k, 0.85 - (k - 4) / 10, "math", n=50) for k in range(4, 8)
]


def samples(n, **other):
    return SelectionSpec(budget="samples", value=n, **other)


def keys(scores, rows):
    return scores.table.row_key[rows].tolist()


def test_rows_at_the_cut_of_all_domains_come_nearest_first():
    scores = SortedScores.build(table_of(ROWS))
    # Scores .9 .8 .7 .6 chat (0-3) and .85 .75 .65 .55 math (4-7); one cut after 0 4 1 5.
    kept, dropped = scores.rows_at_cut(scores.answer(samples(4, balance="global")), n=2)
    assert (keys(scores, kept), keys(scores, dropped)) == ([5, 1], [2, 6])
    kept, dropped = scores.rows_at_cut(scores.answer(samples(4, balance="global")), n=2, domain="math")
    assert (keys(scores, kept), keys(scores, dropped)) == ([5, 4], [6, 7])


def test_rows_at_the_cut_of_nothing_and_of_everything():
    scores = SortedScores.build(table_of(ROWS))
    kept, dropped = scores.rows_at_cut(scores.answer(samples(0, balance="global")), n=1)
    assert (keys(scores, kept), keys(scores, dropped)) == ([], [0])
    kept, dropped = scores.rows_at_cut(scores.answer(samples(99, balance="global")), n=1)
    assert (keys(scores, kept), keys(scores, dropped)) == ([7], [])
    assert [part.tolist() for part in SortedScores.build(table_of([])).rows_at_cut(scores.answer(samples(0)))] == [
        [],
        [],
    ]


def test_rows_as_near_to_their_cut_come_best_first():
    """Without a cut no domain is nearer than another, whatever the ids of its rows."""
    rows = [learnable(0, 0.3, "chat"), learnable(1, 0.9, "math")]
    scores = SortedScores.build(table_of(rows))
    _, dropped = scores.rows_at_cut(scores.answer(samples(0)), n=1)
    assert keys(scores, dropped) == [1]
    column = ScoreColumn("noise", np.array([7.0, 2.0]), higher_is_better=False)
    lowest = SortedScores.build(replace(table_of(rows[::-1]), columns={"noise": column}), "noise")
    _, dropped = lowest.rows_at_cut(lowest.answer(samples(0, method="noise")), n=2)
    assert lowest.score[dropped].tolist() == [2.0, 7.0]


def test_an_answer_of_another_method_is_refused():
    scores = SortedScores.build(table_of(ROWS))
    with pytest.raises(AssertionError, match="sorted under another method"):
        scores.answer(samples(1, method="length"))
    with pytest.raises(AssertionError):
        scores.answer(samples(1, gates=Gates(min_response_tokens=9)))
    # The seed of a method that draws nothing does not matter.
    assert scores.answer(samples(1, seed=5)).n_kept == 1


def test_other_gates_reuse_the_order():
    scores = SortedScores.build(table_of(ROWS))
    longer = scores.with_gates(Gates(min_response_tokens=10))
    assert longer.ranked is scores.ranked
    assert longer.answer(samples(8, gates=longer.gates)).n_kept == 4
    assert scores.with_gates(Gates()) is scores


def test_both_sides_of_a_shared_score_are_knots():
    rows = [learnable(k, 0.5) for k in range(60)] + [learnable(60 + k, k / 40) for k in range(40)]
    scores = SortedScores.build(table_of(rows))
    (curve,) = cut_curves(scores, n_knots=10, n_bins=4, axis=(0.0, 1.0)).domains
    at = curve.knots.tolist().index(0.5)
    above = [k for k in range(20, 40) if 1 - (1 - k / 40) >= 0.5]
    assert curve.knots[at + 1] == np.nextafter(0.5, 1)
    assert curve.n_above[at] - curve.n_above[at + 1] >= 60
    assert curve.n_above[at] == 60 + len(above)


def test_rows_beyond_the_axis_are_counted_and_get_knots():
    rows = [learnable(k, k / 100) for k in range(100)] + [row(k, base=1.0, reference=1.0 + k) for k in range(100, 140)]
    scores = SortedScores.build(table_of(rows))
    (curve,) = cut_curves(scores, n_knots=11, n_bins=10, axis=(0.0, 0.5)).domains
    assert curve.n_below_axis == 40
    assert curve.bins.sum() + curve.n_above_axis == 100
    assert (curve.knots[0], curve.n_above[0]) == (-139.0, 140)
    # Every outlier is a knot of its own, so interpolation is exact there.
    assert (curve.knots < 0).sum() == 40


def test_curves_of_each_domain():
    curves = cut_curves(SortedScores.build(table_of(ROWS)), n_knots=5, n_bins=3, axis=(0.5, 1.0))
    assert [part.bins.tolist() for part in curves.domains] == [[1, 2, 1], [2, 1, 1]]
    assert [(part.domain, part.tokens_competing) for part in curves.domains] == [("chat", 20), ("math", 200)]


def test_axes():
    assert score_axis(SortedScores.build(table_of([]))) == (0.0, 1.0)
    assert score_axis(SortedScores.build(table_of(ROWS), "random")) == (0.0, 1.0)
    assert score_axis(SortedScores.build(table_of(ROWS))) == pytest.approx((0.54, 0.9))


@pytest.mark.parametrize(("n", "exhausted"), [(8, False), (9, True)])
def test_a_budget_that_all_rows_fill_exhausts_nobody(n, exhausted):
    answer = SortedScores.build(table_of(ROWS)).answer(samples(n, balance="global"))
    assert (answer.n_kept, [share.exhausted for share in answer.domains]) == (8, [exhausted] * 2)


def test_the_gate_of_response_tokens_lets_its_own_number_in():
    gates = Gates(min_response_tokens=50)
    assert SortedScores.build(table_of(ROWS), gates=gates).answer(samples(8, gates=gates)).n_kept == 4


@pytest.mark.parametrize(("n", "is_step"), [(49, False), (50, True)])
def test_a_score_that_fifty_rows_share_is_a_step_of_the_curve(n: int, is_step: bool):
    column = ScoreColumn("stars", np.array([1.0, *[2.5] * n, 4.0]))
    table = replace(table_of([learnable(k, 0.5) for k in range(n + 2)]), columns={"stars": column})
    (curve,) = cut_curves(SortedScores.build(table, "stars"), n_knots=2, axis=(0.0, 5.0)).domains
    assert (2.5 in curve.knots, np.nextafter(2.5, np.inf) in curve.knots) == (is_step, is_step)
