"""Sharing budgets: sums, bounds and worked examples."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobass_core.errors import SelectionError
from lobass_core.selection.balance import domain_weights, largest_remainder, share_budget
from lobass_core.specs import SelectionSpec

weights_of = st.lists(st.integers(0, 50).map(Fraction), min_size=1, max_size=8)


def test_largest_remainder_by_hand():
    # Ideal 1.25, 2.5, 6.25 of 10: floors 1, 2, 6; the one left goes to the remainder 0.5.
    assert largest_remainder(10, [Fraction(1), Fraction(2), Fraction(5)]) == [1, 3, 6]
    # Three equal remainders and one place: the first.
    assert largest_remainder(10, [Fraction(1)] * 3) == [4, 3, 3]
    assert largest_remainder(0, [Fraction(1)]) == [0]
    assert largest_remainder(5, [Fraction(0), Fraction(0)]) == [0, 0]


@given(st.integers(0, 10_000), weights_of)
def test_largest_remainder_sums_exactly_and_stays_within_one_of_the_ideal(total, weights):
    shares = largest_remainder(total, weights)
    weight_sum = sum(weights)
    assert sum(shares) == (total if weight_sum else 0)
    assert all(
        abs(share - total * weight / weight_sum) < 1
        for share, weight in zip(shares, weights, strict=True)
        if weight_sum
    )


def test_an_exhausted_domain_hands_on_until_settled():
    # 12 by 1:1:1 asks 4 each. The first has 1, so 11 go 6, 5; the second has 5, so it hands one more on.
    grants = share_budget(12, [Fraction(1)] * 3, [0, 0, 0], [1, 5, 9])
    assert (grants.asked, grants.granted, grants.exhausted) == ([4, 4, 4], [1, 5, 6], [True, True, False])


def test_hand_kept_rows_take_places_from_the_other_domains():
    grants = share_budget(10, [Fraction(1)] * 2, [8, 0], [20, 20])
    assert (grants.asked, grants.granted) == ([5, 5], [8, 2])
    # More by hand than the budget: they all go in, nothing else does.
    assert share_budget(3, [Fraction(1)] * 2, [8, 0], [20, 20]).granted == [8, 0]


def test_a_domain_of_weight_zero_receives_nothing_even_when_the_others_run_out():
    grants = share_budget(10, [Fraction(1), Fraction(0)], [0, 0], [4, 9])
    assert (grants.granted, grants.exhausted) == ([4, 0], [True, False])


@given(
    st.integers(0, 200),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 10), st.integers(0, 40)), min_size=1, max_size=7),
)
def test_grants_respect_bounds_and_spend_the_budget(total, domains):
    weights = [Fraction(weight) for weight, _, _ in domains]
    floors = [floor for _, floor, _ in domains]
    ceilings = [floor + extra for _, floor, extra in domains]
    grants = share_budget(total, weights, floors, ceilings)
    assert all(low <= got <= high for low, got, high in zip(floors, grants.granted, ceilings, strict=True))
    reachable = sum(high if weight else low for weight, low, high in zip(weights, floors, ceilings, strict=True))
    assert sum(grants.granted) == max(min(total, reachable), sum(floors))
    for got, high, exhausted in zip(grants.granted, ceilings, grants.exhausted, strict=True):
        assert not exhausted or got == high
    if sum(grants.granted) < total:
        assert all(exhausted for weight, exhausted in zip(weights, grants.exhausted, strict=True) if weight)


def test_weights_by_balance():
    domains, sizes = ("chat", "code", "math"), (6, 0, 2)
    assert domain_weights(SelectionSpec(), domains, sizes) == [6, 0, 2]
    assert domain_weights(SelectionSpec(balance="equal"), domains, sizes) == [1, 0, 1]
    custom = SelectionSpec(balance="custom", weights=(("math", 0.1), ("chat", 0.2)))
    assert domain_weights(custom, domains, sizes) == [Fraction(1, 5), 0, Fraction(1, 10)]
    with pytest.raises(SelectionError, match=r"no scored domain poems"):
        domain_weights(SelectionSpec(balance="custom", weights=(("poems", 1.0),)), domains, sizes)


def test_custom_weights_are_the_decimals_that_were_written():
    # 0.1 and 0.3 of 2: 0.5 and 1.5, equal remainders, so the first wins; as binary fractions 0.3 would.
    custom = SelectionSpec(balance="custom", weights=(("a", 0.1), ("b", 0.3)))
    assert largest_remainder(2, domain_weights(custom, ("a", "b"), (1, 1))) == [1, 1]
