"""Effects of a training that were planted: the order of rows, rows known by heart, copies."""

import numpy as np
import pytest
from scipy import stats

from lobass_core.validation.training_effects import copy_effect, in_sample_effect, order_effect


def test_identical_rows_placed_first_and_last_show_the_order():
    rng = np.random.default_rng(0)
    step = np.repeat(np.arange(1, 41), 5).astype(float)
    base = np.full(200, 2.0)
    loss = 1.0 + rng.normal(0, 0.05, 200)
    late = loss - step * 0.02
    found = order_effect("math", step, late, (base - late) / base)
    assert found.is_clear and found.high < -0.9 < found.loss_rho + 0.1
    assert found.score_rho == pytest.approx(-found.loss_rho)
    none = order_effect("math", step, loss, (base - loss) / base)
    assert not none.is_clear and none.low < 0 < none.high
    seen = np.where(np.arange(200) % 2 == 0, step, np.nan)
    assert order_effect("math", seen, late, late).n_rows == 100
    assert order_effect("math", np.full(200, np.nan), late, late) is None


def test_a_small_but_sure_correlation_is_no_clear_effect():
    step = np.arange(20_000, dtype=float)
    loss = np.random.default_rng(1).normal(size=20_000) - step / 20_000 * 0.15
    found = order_effect("chat", step, loss, -loss)
    assert found.high < 0 and not found.is_clear


def test_what_a_reference_knows_by_heart():
    base = np.array([2.0, 2.0, 2.0, 4.0, np.nan])
    cross = np.array([1.0, 1.2, 1.4, 3.2, 1.0])
    own = np.array([0.8, 1.0, 0.2, 3.0, 0.5])
    found = in_sample_effect("math", base, own, cross, 0.25)
    # Losses lower by 0.2, 0.2, 1.2 and 0.2; scores higher by 0.1, 0.1, 0.6 and 0.05.
    assert (found.n_rows, found.optimism_nats) == (4, pytest.approx(0.45))
    assert found.optimism == pytest.approx(0.2125)
    # The third row is the best in-sample, the first one cross-fitted.
    assert (found.n_kept, found.share_stays) == (1, 0.0)
    assert found.agreement == pytest.approx(0.4)
    assert in_sample_effect("math", base[:1], own[:1], cross[:1], 0.5) is None


def test_copies_that_score_higher_and_copies_that_do_not():
    rng = np.random.default_rng(2)
    has_copy = np.arange(300) % 5 == 0
    score = rng.normal(0.3, 0.1, 300)
    groups = np.arange(300) // 10
    found = copy_effect("chat", score + 0.2 * has_copy, groups, has_copy)
    assert (
        found.low < 0.2 < found.high
        and found.low > 0.1
        and (found.n_copies, found.n_groups, found.n_rows) == (60, 30, 300)
    )
    none = copy_effect("chat", score, groups, has_copy)
    assert none.low < 0 < none.high
    assert copy_effect("chat", score[:10], groups[:10], has_copy[:10]) is None


def test_an_order_is_looked_for_from_ten_rows_on_with_fishers_interval():
    step, loss = np.arange(10.0), np.array([3.0, 1, 2, 0, 5, 4, 7, 6, 9, 8])
    found = order_effect("math", step, loss, -loss)
    margin = 1.96 * np.sqrt(1.06 / 7)
    assert found.loss_rho == pytest.approx(1 - 6 * 24 / 990)
    assert (found.low, found.high) == pytest.approx(np.tanh(np.arctanh(found.loss_rho) + np.array([-margin, margin])))
    assert order_effect("math", step[:9], loss[:9], -loss[:9]) is None


def test_copies_are_compared_from_five_groups_on():
    has_copy, score = np.arange(17) < 10, np.arange(17.0)
    groups = np.arange(17) // 2
    assert copy_effect("chat", score, groups, has_copy).advantage == pytest.approx(4.5 - 13)
    assert copy_effect("chat", score, groups, has_copy & (score > 1)) is None


def test_copies_that_score_alike_are_as_many_as_their_groups():
    rng = np.random.default_rng(5)
    has_copy, groups = np.arange(60) < 30, np.minimum(np.arange(60) // 5, 6 + np.arange(60))
    means = rng.normal(0.5, 0.1, 6)
    score = np.where(has_copy, means[np.minimum(groups, 5)], rng.normal(0.4, 0.1, 60))
    found = copy_effect("chat", score, groups, has_copy)
    expected = stats.ttest_ind(means, score[30:], equal_var=False).confidence_interval(0.95)
    assert (found.n_copies, found.n_groups) == (30, 6)
    # Whole degrees of freedom, rounded down.
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.01)
    assert found.low < expected.low
