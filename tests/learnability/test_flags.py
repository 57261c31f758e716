"""Flags at the very edge of what each of them says."""

import math

import numpy as np

from lobass_core.learnability import flags


def flags_of(base: list[float], reference: list[float], n_tokens: list[int]) -> list[str]:
    none = np.zeros(len(base), bool)
    names = ("truncated", "non_finite", "no_response", "not_scored", "duplicate", "worse_than_chance")
    bits = flags.loss_flags(
        np.array(base), np.array(reference), np.array(n_tokens),
        **dict.fromkeys((*names, "unseen_by_reference", "in_evaluation"), none),
    )  # fmt: skip
    return [flags.names(int(one)) for one in bits]


def test_five_tokens_are_not_short_and_no_response_is_none() -> None:
    assert flags_of([1.0] * 4, [0.5] * 4, [0, 1, 4, 5]) == ["", "short", "short", ""]


def test_an_equal_loss_is_not_negative_and_a_missing_one_is_nothing() -> None:
    assert flags_of([1.0, 1.0, math.nan], [1.0, 1.01, 1.0], [9, 9, 9]) == ["", "negative", ""]


def test_the_base_knows_what_costs_less_than_a_twentieth_of_a_nat() -> None:
    assert flags_of([0.05, 0.049], [0.01, 0.01], [9, 9]) == ["", "near_zero_base"]


def test_a_loss_as_high_as_a_blind_guess_is_not_above_it() -> None:
    guess, beyond = math.log(1000), math.nextafter(math.log(1000), 9)
    losses = np.array([guess, beyond])
    assert flags.above_chance(losses, np.array([1, 1]), np.array([-1, -1]), 1000).tolist() == [False, True]
    of_a_byte = np.array([math.log(256), math.nextafter(math.log(256), 9)])
    assert flags.above_chance(of_a_byte, np.array([1, 1]), np.array([1, 1]), 0).tolist() == [False, True]
