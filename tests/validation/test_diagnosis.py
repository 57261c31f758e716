"""Length dependence of planted scores, shares by tenth, and odd rows."""

import numpy as np
import pytest

from lobass_core.learnability.flags import NEGATIVE, SHORT
from lobass_core.validation.diagnosis import (
    CLEAR_RHO,
    LengthDependence,
    Lengths,
    LengthTenth,
    Oddity,
    length_dependence,
    length_tenths,
    oddities,
)


def test_a_planted_dependence_is_found_in_its_domain_and_direction():
    n_response = np.tile(np.arange(1, 51), 2)
    code = np.repeat([0, 1], 50)
    # Short answers gain most in conversation; in mathematics the gain has nothing to do with length.
    gain = np.concatenate([0.9 - n_response[:50] / 100, np.tile([0.2, 0.5, 0.3, 0.4, 0.1], 10)])
    lengths = Lengths(n_response, 100 - n_response, n_response // 10)
    chat, math = length_dependence(("chat", "math"), code, gain, 2 * gain, lengths)
    assert (chat.domain, chat.n_rows) == ("chat", 50)
    assert chat.score_response == pytest.approx(-1) and chat.score_prompt == pytest.approx(1)
    assert chat.drop_response == pytest.approx(-1) and chat.drop_prompt == pytest.approx(1)
    assert chat.score_steps == chat.drop_steps and -1 < chat.score_steps < -0.95
    assert chat.is_clear and "prefers short responses (-1.00)" in chat.sentence
    assert not math.is_clear and abs(math.score_response) < 0.1 and "hardly depends" in math.sentence
    # Summed, the drop of a long answer is larger whatever its gain.
    assert math.drop_sum_response > 0.6


def test_rows_without_a_score_are_left_out():
    score = np.array([0.5, np.nan, np.nan])
    lengths = Lengths(np.arange(3), np.arange(3), np.arange(3))
    (one,) = length_dependence(("a", "b"), np.zeros(3, int), score, score, lengths)
    assert one.n_rows == 1 and one.score_response is None
    assert one.sentence == "a: score and length cannot be compared: fewer than 20 scored rows."


def test_a_handful_of_rows_proves_nothing_about_length():
    lengths = np.arange(1, 20)
    (few,) = length_dependence(("a",), np.zeros(19, int), 1 / lengths, 1 / lengths, Lengths(lengths, lengths, lengths))
    assert (few.n_rows, few.score_response, few.drop_sum_response, few.is_clear) == (19, None, None, False)


def test_shares_kept_by_tenth():
    n_response = np.arange(100)[::-1]
    tenths = length_tenths(n_response, n_response < 15)
    assert tenths[:2] == [LengthTenth(0, 9, 10, 10), LengthTenth(10, 19, 10, 5)]
    assert [one.share_kept for one in tenths] == [1.0, 0.5, *[0.0] * 8]
    assert length_tenths(np.zeros(0), np.zeros(0, bool)) == []


def test_odd_rows_in_and_out_of_a_selection():
    flags = np.array([0, NEGATIVE, NEGATIVE | SHORT, SHORT, SHORT], np.uint16)
    kept = np.array([True, False, True, True, False])
    assert oddities(flags, kept) == [Oddity("negative", 2, 1), Oddity("short", 3, 2)]
    assert oddities(np.zeros(2, np.uint16), np.ones(2, bool)) == []


@pytest.mark.parametrize("rho", [CLEAR_RHO, -CLEAR_RHO])
def test_a_dependence_is_clear_from_its_border_on(rho: float):
    one = LengthDependence("math", 50, rho, *[None] * 6)
    assert one.is_clear and not LengthDependence("math", 50, 0.99 * rho, *[None] * 6).is_clear


@pytest.mark.parametrize(("n_rows", "reason"), [(19, "fewer than 20 scored rows"), (20, "all scores or all lengths")])
def test_why_score_and_length_cannot_be_compared(n_rows: int, reason: str):
    same, lengths = np.ones(n_rows), np.arange(n_rows)
    (found,) = length_dependence(["math"], np.zeros(n_rows, int), same, same, Lengths(lengths, lengths))
    assert f"cannot be compared: {reason}" in found.sentence
