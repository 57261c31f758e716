"""The regions of the loss plane: learnability decides first, limits are a domain's own, and a box holds its rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobass_core.errors import RequestError
from lobass_core.learnability.regions import (
    FORGOTTEN,
    HARD,
    KNOWN,
    LEARNABLE,
    LEAST_LEARNABLE,
    Limits,
    region_counts,
    regions,
    usual_limits,
)

NAN = float("nan")


def test_learnability_decides_first_and_base_loss_splits_the_rest():
    base = np.array([0.2, 0.2, 3.0, 0.2, 3.0, 0.2, 0.5, 0.5])
    learnability = np.array([0.9, 0.1, 0.1, -0.1, -2.0, NAN, 0.4, 0.1])
    code = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    region = regions(base, learnability, code, [Limits(0.4, 0.5), Limits(0.4, 0.5)])
    assert region.tolist() == [LEARNABLE, KNOWN, HARD, FORGOTTEN, FORGOTTEN, -1, LEARNABLE, HARD]
    assert region_counts(region, code, 2).tolist() == [[1, 1, 1, 1], [1, 0, 1, 1]]


def test_a_row_on_a_border_is_in_the_box_of_its_region_alone():
    limits = Limits(0.4, 0.5)
    boxes = [limits.ranges(region) for region in range(4)]
    for base, learnability, region in ((0.5, 0.1, HARD), (0.2, 0.4, LEARNABLE), (0.2, 0.0, KNOWN)):
        assert regions(np.array([base]), np.array([learnability]), np.array([0]), [limits]).tolist() == [region]
        inside = [_within(learnability, of_score) and _within(base, of_base) for of_score, of_base in boxes]
        assert inside == [k == region for k in range(4)]


def _within(value, limits):
    low, high = limits
    return (low is None or value >= low) and (high is None or value <= high)


def test_each_domain_has_limits_of_its_own():
    region = regions(np.array([1.0, 1.0]), np.array([0.3, 0.3]), np.array([0, 1]), [Limits(0.2, 2), Limits(0.4, 2)])
    assert region.tolist() == [LEARNABLE, KNOWN]


def test_below_zero_is_forgotten_even_where_the_cut_keeps_it():
    found = regions(np.ones(3), np.array([-0.1, -0.3, 0.0]), np.zeros(3, int), [Limits(-0.2, 0.5)])
    assert found.tolist() == [FORGOTTEN, FORGOTTEN, LEARNABLE]


def test_data_whose_loss_fell_by_half_is_not_all_too_hard():
    # A weak base: every loss is far above ln 2, and the reference saved about half of each.
    random = np.random.default_rng(0)
    base, learnability = random.normal(3.7, 0.3, 900), random.normal(0.5, 0.05, 900)
    code = np.zeros(900, int)
    (limits,) = usual_limits(base, learnability, code, 1)
    counts = region_counts(regions(base, learnability, code, [limits]), code, 1)[0]
    assert counts[LEARNABLE] == 300
    assert counts[[KNOWN, HARD]].sum() == 600
    assert counts[HARD] < 400
    assert limits.known_below == np.median(base)


def test_usual_limits_are_the_upper_third_and_the_median():
    base = np.array([1.0, 2.0, 3.0, 10.0, NAN, 0.5])
    learnability = np.array([0.1, 0.2, 0.3, 0.4, NAN, 0.9])
    found = usual_limits(base, learnability, np.array([0, 0, 0, 0, 0, 1]), 3)
    assert found == (Limits(0.4, 2.5), Limits(0.9, 0.5), Limits(LEAST_LEARNABLE, math.log(2)))


def test_a_row_that_learned_nothing_is_never_learnable_by_itself():
    base, same = np.array([1.0, 1.0, 3.0]), np.zeros(3)
    limits = usual_limits(base, same, np.zeros(3, int), 1)
    assert regions(base, same, np.zeros(3, int), limits).tolist() == [HARD, HARD, HARD]


@pytest.mark.parametrize(("score", "base"), [(NAN, 1.0), (math.inf, 1.0), (0.5, 0.0), (0.5, -1.0), (0.5, NAN)])
def test_limits_that_are_none_are_refused(score, base):
    with pytest.raises(RequestError, match="not valid limits"):
        Limits(score, base)


losses = st.floats(0.01, 10)
scores = st.floats(-1, 1)


@given(st.lists(st.tuples(losses, scores), min_size=1, max_size=40), scores, losses, st.integers(0, 39))
def test_the_rectangle_of_a_region_holds_its_rows_and_no_other(rows, learnable_from, known_below, on_the_border):
    base, learnability = (np.array(column) for column in zip(*rows, strict=True))
    # One row on both borders: there, a closed rectangle and an open one differ.
    base[on_the_border % len(base)], learnability[on_the_border % len(base)] = known_below, learnable_from
    limits = Limits(learnable_from, known_below)
    region = regions(base, learnability, np.zeros(len(base), int), [limits])
    assert (region >= 0).all()
    for k in range(4):
        (low, high), (left, right) = limits.ranges(k)
        inside = np.ones(len(base), bool)
        for values, least, most in ((learnability, low, high), (base, left, right)):
            inside &= (values >= (-math.inf if least is None else least)) & (
                values <= (math.inf if most is None else most)
            )
        assert np.array_equal(inside, region == k)
