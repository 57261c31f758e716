"""Where swapped rows rank, by counting pairs."""

import numpy as np
import pytest
from scipy import stats

from lobass_core.validation.planted import Swapped, SwappedRank, swapped_rank


def ranked(*parts: tuple, domain: str = "") -> SwappedRank | None:
    return swapped_rank("m", domain, [Swapped(*(np.asarray(one, float) for one in part)) for part in parts])


def test_pairs_are_counted_and_ties_count_half():
    imported = np.array([1.0, 2.0, 3.0, 4.0, np.nan])
    swapped = np.array([0.5, 2.0, np.nan])
    found = ranked((swapped, [1.0, 1.5, 3.0], imported))
    # 0.5 is below all four; of 2.0 two are above and one is equal.
    assert found.auc == pytest.approx((1 + 2.5 / 4) / 2)
    assert (found.n_swapped, found.n_rows, found.n_below_own) == (2, 4, 1)
    assert found.median_rank == pytest.approx((1 + 0.625) / 2)
    assert not found.sinks


def test_the_interval_holds_the_truth_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    # One standard deviation apart: AUC = Phi(1 / sqrt(2)) = 0.760.
    held = 0
    for _ in range(300):
        found = ranked((rng.normal(-1, 1, 60), np.zeros(60), rng.normal(0, 1, 400)))
        held += found.low <= 0.7602 <= found.high
    assert 0.91 <= held / 300 <= 0.98


def test_no_error_among_few_rows_is_not_certainty():
    found = ranked((np.full(10, -9.0), np.zeros(10), np.arange(50.0)))
    assert (found.auc, found.high) == (1.0, 1.0) and found.low == pytest.approx(0.025**0.1)
    worst = ranked((np.full(10, 99.0), np.zeros(10), np.arange(50.0)))
    assert (worst.auc, worst.low) == (0.0, 0.0) and worst.high == pytest.approx(1 - 0.025**0.1)
    assert not worst.sinks
    assert ranked((np.array([np.nan]), np.zeros(1), np.arange(3.0))) is None


def test_the_interval_is_that_of_delong_with_student_s_t():
    """Of the swapped rows 3/4, 1/2 and 1/4 of the imported ones are above; of these 0, 1/3, 2/3 and 1 are below."""
    swapped, own = np.tile([1.5, 2.5, 3.5], 10), np.tile([1.5, 3.0, 4.0], 10)
    found = ranked((swapped, own, np.tile([1.0, 2.0, 3.0, 4.0], 10)))
    variance = (20 / 16 / 29) / 30 + (10 * 5 / 9 / 39) / 40
    margin = stats.t.ppf(0.975, 29) * variance**0.5
    assert found.auc == 0.5 and (found.low, found.high) == pytest.approx((0.5 - margin, 0.5 + margin), abs=1e-4)
    # One that scores as the row whose response it has taken is not below it.
    assert found.n_below_own == 20


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_rows_say_nothing(n):
    found = ranked((np.array([0.5, 0.6])[:n], np.zeros(n), np.array([0.1, 0.2, 0.3, 0.7])))
    assert (found.low, found.high) == (0.0, 1.0) and not found.sinks


def test_each_domain_is_ranked_among_its_own_rows():
    """Swapped rows half and half, imported ones nine to one, and one domain's scores above the other's: no effect."""
    rng = np.random.default_rng(4)
    high = rng.normal(5, 1, 50), np.zeros(50), rng.normal(5, 1, 900)
    low = rng.normal(0, 1, 50), np.zeros(50), rng.normal(0, 1, 100)
    both, alone = ranked(high, low), [ranked(high), ranked(low)]
    assert both.auc == pytest.approx((alone[0].auc + alone[1].auc) / 2) and both.low < 0.5 < both.high
    assert (both.n_swapped, both.n_rows) == (100, 1000) and not both.sinks
    # As one heap of rows they would seem to sink.
    heap = ranked(tuple(np.concatenate(pair) for pair in zip(high, low, strict=True)))
    assert heap.sinks and heap.low > 0.6


def test_the_chance_of_several_domains_is_that_of_each():
    one, other = ([1.5, 2.5, 3.5] * 10, [9.0] * 30, [1.0, 2.0, 3.0, 4.0] * 10), ([0.5, 1.5] * 5, [9.0] * 10, [1, 2] * 8)
    both, alone = ranked(one, other), (ranked(one), ranked(other))
    # Thirty swapped rows and ten: weights of 3/4 and 1/4.
    assert both.auc == pytest.approx(0.75 * 0.5 + 0.25 * 0.75)
    margins = [found.auc - found.low for found in alone]
    deviations = [margin / stats.t.ppf(0.975, freedom) for margin, freedom in zip(margins, (29, 9), strict=True)]
    variances = [(0.75 * deviations[0]) ** 2, (0.25 * deviations[1]) ** 2]
    freedom = int(sum(variances) ** 2 / (variances[0] ** 2 / 29 + variances[1] ** 2 / 9))
    assert both.auc - both.low == pytest.approx(stats.t.ppf(0.975, freedom) * sum(variances) ** 0.5, rel=1e-3)
    # A single swapped row has no spread of its own, and is left out beside a domain with more.
    assert ranked(one, ([1.0], [2.0], [0.0, 3.0])) == ranked(one)
