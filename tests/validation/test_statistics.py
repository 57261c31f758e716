"""Numbers that can be computed by hand."""

import numpy as np
import pytest
from scipy import stats

from lobass_core.validation.statistics import (
    Resamples,
    Spread,
    _p_of_sum,
    difference,
    holm,
    length_thirds,
    mean_loss,
    spread_of,
    student_95,
)


def test_half_of_an_interval_in_standard_errors():
    for freedom in (1, 2, 3, 4, 5, 6, 9, 20, 200):
        assert student_95(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=2e-3)


def test_holm_by_hand():
    # 0.01 x 4, 0.02 x 3, then 0.03 x 2 and 0.04 x 1 are raised to what stands before them.
    assert holm([0.04, 0.01, 0.03, 0.02]).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_means_over_rows_and_over_tokens():
    sums, n_tokens = np.array([[2.0, 30.0]]), np.array([1.0, 10.0])
    assert mean_loss(sums, n_tokens, "rows").tolist() == [2.5]
    assert mean_loss(sums, n_tokens, "tokens").tolist() == pytest.approx([32 / 11])


def test_the_spread_is_pooled_over_arms_with_draws():
    n_tokens = np.ones(4)
    drawn = [np.full((3, 4), 1.0) * [[1], [2], [3]], np.full((2, 4), 1.0) * [[5], [7]], np.ones((1, 4))]
    found = spread_of(drawn, n_tokens, "rows")
    assert found == Spread(pytest.approx(((2 + 2) / 3) ** 0.5), 3)
    with pytest.raises(ValueError, match="two draws"):
        spread_of([np.ones((1, 4))], n_tokens, "rows")


def test_without_spread_p_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(0)
    n_tokens = rng.integers(1, 50, size=30).astype(float)
    one, other = (rng.normal(2, 0.3, size=30) * n_tokens for _ in range(2))
    found = difference(one[None], other[None], n_tokens, "rows", Spread(0.0, 4), Resamples(30, rng))
    expected = stats.ttest_rel(one / n_tokens, other / n_tokens)
    assert found.p == pytest.approx(expected.pvalue) and found.low < found.value < found.high


def test_near_duplicates_count_as_one():
    """Groups of three: the chance is that of their ten means, and not of thirty rows."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(10), 3)
    n_tokens = np.repeat(rng.integers(1, 50, size=10), 3).astype(float)
    apart = (rng.normal(0.2, 0.3, size=10)[groups] + rng.normal(0, 0.02, size=30)) * n_tokens
    none = np.zeros((1, 30))
    found = difference(apart[None], none, n_tokens, "rows", Spread(0.0, 4), Resamples(30, rng, groups=groups))
    means = (apart / n_tokens).reshape(10, 3).mean(axis=1)
    assert found.value == pytest.approx(means.mean())
    assert found.p == pytest.approx(stats.ttest_1samp(means, 0).pvalue)
    half = stats.t.ppf(0.975, 9) * means.std(ddof=1) / 10**0.5
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.15)
    tokens = difference(apart[None], none, n_tokens, "tokens", Spread(0.0, 4), Resamples(30, rng, groups=groups))
    weights = n_tokens[::3]
    each = (means - tokens.value) * weights / weights.mean()
    se = each.std(ddof=1) / 10**0.5
    assert tokens.p == pytest.approx(2 * stats.t.sf(abs(tokens.value) / se, 9))


def test_the_interval_of_few_rows_is_as_wide_as_students():
    rows = np.array([0.1, 0.5, 0.2, 0.6, 0.3, 0.4])
    found = difference(
        rows[None], np.zeros((1, 6)), np.ones(6), "rows", Spread(0.0, 4), Resamples(6, np.random.default_rng(0))
    )
    half = stats.t.ppf(0.975, 5) * rows.std(ddof=1) / 6**0.5
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.05)


@pytest.mark.parametrize(("size", "freedom"), [(0.5, 1), (3.0, 1), (3.0, 3), (12.0, 2)])
def test_the_chance_of_a_sum_of_two_t_distributions_is_what_draws_show(size, freedom):
    rng = np.random.default_rng(0)
    drawn = rng.standard_t(20, 400_000) + 0.7 * rng.standard_t(freedom, 400_000)
    expected = (np.abs(drawn) > size).mean()
    assert _p_of_sum(size, 1.0, 20, 0.7, freedom) == pytest.approx(expected, abs=4 * (expected / 400_000) ** 0.5)


def test_equal_arms_are_no_different():
    same = np.full((1, 5), 3.0)
    found = difference(same, same, np.ones(5), "tokens", Spread(0.0, 4), Resamples(5, np.random.default_rng(0)))
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_thirds_by_length():
    short, middle, long = length_thirds(np.array([9, 1, 5, 7, 2, 3]))
    assert short.tolist() == [1, 4] and middle.tolist() == [5, 2] and long.tolist() == [3, 0]


def test_chance_is_in_the_draws_of_both_sides():
    """Rows that do not differ: what is left is the spread between draws, of one on either side."""
    arm, other = np.full((1, 6), 3.0), np.full((1, 6), 2.0)
    found = difference(arm, other, np.ones(6), "rows", Spread(0.5, 4), Resamples(6, np.random.default_rng(0)))
    assert found.p == pytest.approx(2 * stats.t.sf(1.0 / (0.5 * 2**0.5), 4))


@pytest.mark.parametrize("freedom", [3, 4])
def test_welch_counts_from_five_draws_on(freedom: int):
    """Five draws have four degrees of freedom; with fewer two distributions are added up."""
    apart = np.array([0.1, 0.3, 0.2, 0.6, 0.3])
    spread, again = Spread(0.05, freedom), Resamples(5, np.random.default_rng(0))
    p = difference(apart[None], np.zeros((1, 5)), np.ones(5), "rows", spread, again).p
    of_rows, of_draws = apart.std(ddof=1) / 5**0.5, 0.05 * 2**0.5
    variance = of_rows**2 + of_draws**2
    welch = 2 * stats.t.sf(0.3 / variance**0.5, variance**2 / (of_draws**4 / freedom + of_rows**4 / 4))
    expected = welch if freedom == 4 else _p_of_sum(0.3, of_rows, 4, of_draws, 3)
    assert p == pytest.approx(expected, rel=1e-9) and abs(welch - _p_of_sum(0.3, of_rows, 4, of_draws, freedom)) > 1e-4
