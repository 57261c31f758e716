"""Rank correlation and random expectations against scipy, brute force and hand."""

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from lobass_core.learnability.diagnostics import length_check, versus_random
from lobass_core.learnability.measure_values import values_of
from lobass_core.learnability.ranks import average_ranks, spearman
from tests.score_tables import learnable, row, table_of


def test_equal_values_share_their_rank():
    assert average_ranks(np.array([10.0, 20.0, 10.0, 5.0])).tolist() == [2.5, 4.0, 2.5, 1.0]
    assert average_ranks(np.zeros(0)).tolist() == []


@given(st.lists(st.integers(0, 50), max_size=60))
def test_counting_ranks_as_sorting_does(values):
    whole = np.array(values, np.int32)
    assert average_ranks(whole).tolist() == average_ranks(whole.astype(float)).tolist()


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=40))
def test_spearman_is_scipys(pairs):
    x, y = (np.array(column, float) for column in zip(*pairs, strict=True))
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)
    else:
        assert spearman(x, y) is None


def test_spearman_leaves_missing_pairs_out():
    nan = float("nan")
    assert spearman(np.array([1.0, 2.0, nan, 4.0]), np.array([1.0, 3.0, 9.0, nan])) == 1.0
    assert spearman(np.array([1.0, nan]), np.array([1.0, 2.0])) is None


def test_length_check_by_hand():
    score, tokens = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1, 2, 3, 40])
    found = length_check(score, tokens, np.arange(4), np.array([0, 1]))
    assert (found.rho_all, found.rho_kept) == (-1.0, -1.0)
    assert (found.n_all, found.n_kept, found.median_tokens_all, found.median_tokens_kept) == (4, 2, 2.5, 1.5)


def test_more_rows_kept_by_hand_than_have_a_value_leave_nothing_to_draw():
    rows = [learnable(0, 0.1), learnable(1, 0.3), row(2, base=0.0), row(3, base=0.0)]
    found = versus_random(table_of(rows), np.arange(4), np.arange(4))
    learnability = next(one for one in found.measures if one.measure.name == "learnability")
    assert (learnability.kept, learnability.expected) == pytest.approx((0.2, 0.2))
    assert (learnability.deviation, learnability.z) == (0.0, None)


def test_versus_random_equals_all_draws_there_are():
    """Two of three chats and one of three maths: every one of the nine draws is listed."""
    rows = [learnable(k, score, "chat", n=n) for k, (score, n) in enumerate([(0.9, 3), (0.5, 6), (0.1, 60)])]
    rows += [learnable(k, score, "math", n=n) for k, (score, n) in enumerate([(0.8, 8), (0.2, 9), (-0.4, 500)], 3)]
    table = table_of(rows)
    found = versus_random(table, np.arange(6), np.array([0, 1, 3]))
    draws = [[*chats, math] for chats in itertools.combinations(range(3), 2) for math in range(3, 6)]
    learnability = values_of(table, "learnability")
    means = [learnability[draw].mean() for draw in draws]
    measure = found.measures[0]
    assert measure.measure.name == "learnability"
    assert measure.kept == pytest.approx(learnability[[0, 1, 3]].mean())
    assert measure.expected == pytest.approx(np.mean(means))
    assert measure.deviation == pytest.approx(np.std(means))
    assert measure.z == pytest.approx((measure.kept - np.mean(means)) / np.std(means))
    tokens = next(one for one in found.measures if one.measure.name == "length")
    assert (tokens.measure.label, tokens.kept) == ("response tokens", pytest.approx(17 / 3))
    assert tokens.expected == pytest.approx(np.mean([table.n_tokens[draw].mean() for draw in draws]))
    shares = {share.name: (share.kept, share.expected) for share in found.lengths if share.kept or share.expected}
    # Of three draws, 2 * (1/3, 1/3, 1/3) chats and 1 * (2/3, 1/3) maths fall into these bins.
    assert shares == {
        "1–4": (pytest.approx(1 / 3), pytest.approx(2 / 9)),
        "5–15": (pytest.approx(2 / 3), pytest.approx((2 / 3 + 2 / 3) / 3)),
        "32–63": (0.0, pytest.approx(2 / 9)),
        "256–511": (0.0, pytest.approx(1 / 9)),
    }


def test_one_pool_draws_across_domains():
    table = table_of([learnable(0, 0.8, "chat"), learnable(1, 0.2, "math"), learnable(2, 0.5, "math")])
    measure = versus_random(table, np.arange(3), np.array([0]), by_domain=False).measures[0]
    assert measure.expected == pytest.approx(0.5)


def test_keeping_everything_leaves_nothing_to_chance():
    table = table_of([learnable(0, 0.8), learnable(1, 0.2)])
    measure = versus_random(table, np.arange(2), np.arange(2)).measures[0]
    assert (measure.kept, measure.deviation, measure.z) == (measure.expected, 0.0, None)


def test_nothing_kept_compares_nothing():
    table = table_of([row(0)])
    found = versus_random(table, np.arange(1), np.zeros(0, int))
    assert {(measure.kept, measure.expected, measure.z) for measure in found.measures} == {(None, None, None)}
