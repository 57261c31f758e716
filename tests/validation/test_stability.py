"""How sure a cut is, against pools drawn again; and how references agree, against counts by hand."""

import numpy as np
import pytest
from scipy.stats import beta

from lobass_core.validation.stability import (
    comparable_references,
    could_go_either_way,
    cut_stability,
    reference_stability,
)
from lobass_core.validation.statistics import student_95


def test_a_cut_moves_as_it_does_when_the_pool_is_drawn_again():
    n, n_kept = 400, 80
    score = np.sort(np.random.default_rng(3).normal(size=n))[::-1]
    found = cut_stability("math", score, n_kept)
    rng = np.random.default_rng(4)
    kept = np.zeros(n)
    for _ in range(2000):
        drawn = np.sort(rng.integers(0, n, n))
        kept[: drawn[n_kept - 1] + 1] += 1
    kept /= 2000
    unsure = np.flatnonzero((kept > 0.025) & (kept < 0.975))
    assert found.share_stays == pytest.approx(kept[:n_kept].mean(), abs=0.01)
    assert found.n_unsure == pytest.approx(len(unsure), abs=3)
    # Two standard deviations of the rank: 2 * sqrt(400 * 0.2 * 0.8) = 16 rows on either side.
    assert 28 <= found.n_unsure <= 36
    assert found.low < score[n_kept - 1] < found.high
    assert np.count_nonzero((score >= found.low) & (score <= found.high)) == found.n_unsure


def test_the_lowest_scores_may_be_the_best():
    score = np.linspace(0, 1, 200)
    found = cut_stability("", score, 50)
    assert found.low < 0.25 < found.high


@pytest.mark.parametrize("n_kept", [0, 5])
def test_nothing_and_everything_have_no_cut(n_kept):
    assert cut_stability("math", np.arange(5.0)[::-1], n_kept) is None


def test_with_one_reference_the_rows_are_those_that_another_draw_would_move():
    score = np.random.default_rng(3).permutation(np.linspace(0, 1, 400))
    for higher, n_kept in ((True, 80), (False, 320)):
        best_first = np.sort(score)[::-1] if higher else np.sort(score)
        moves = cut_stability("", best_first, n_kept)
        unsure = could_go_either_way(score, np.zeros(400), best_first[n_kept - 1], higher_is_better=higher)
        assert unsure.sum() == moves.n_unsure and np.array_equal(unsure, (score >= moves.low) & (score <= moves.high))
    assert not could_go_either_way(score, np.ones(400), 0.0).any()


def test_rows_that_noise_put_on_the_wrong_side_are_among_those_that_could_go_either_way():
    """Known truth: each of five references sees the true score and noise that differs from row to row."""
    rng = np.random.default_rng(0)
    n, n_kept, n_references = 3000, 600, 5
    true, noise = rng.normal(0.3, 0.15, n), rng.uniform(0.01, 0.15, n)
    seen = true + noise * rng.standard_normal((n_references, n))
    score, error = seen.mean(axis=0), seen.std(axis=0, ddof=1) / np.sqrt(n_references)
    cut, true_cut = np.sort(score)[-n_kept], np.sort(true)[-n_kept]
    unsure = could_go_either_way(score, error * student_95(n_references - 1), cut)
    wrong = (score >= cut) != (true >= true_cut)
    assert wrong.sum() > 50 and unsure.mean() < 0.4
    # An interval of 95 % misses no more than one in twenty of them, and those that are sure are right.
    assert (wrong & unsure).sum() / wrong.sum() > 0.9
    assert wrong[~unsure].mean() < 0.005 < 0.05 < wrong[unsure].mean()
    # Without the references' standard errors most of them would not be found.
    assert (wrong & could_go_either_way(score, np.zeros(n), cut)).sum() / wrong.sum() < 0.6


def test_references_of_a_scoring_by_their_names():
    epochs = ["reference@epoch-10", "reference@epoch-0.5"]
    names = ["base", "reference@seed-10", "reference@seed-2", "reference", "reference@target", *epochs]
    # The reference is the chosen epoch, which is among the epochs.
    assert comparable_references(names) == {
        "seeds": ["reference@seed-2", "reference@seed-10"],
        "epochs": ["reference@epoch-0.5", "reference@epoch-10"],
    }
    # One seed has nothing to be compared with, and its own epochs are not those of the mean; nor has one epoch.
    assert comparable_references(["base", "reference", "reference@seed-0", "reference@seed-0-epoch-1"]) == {}
    assert comparable_references(["base", "reference", "reference@epoch-1"]) == {}


def test_what_references_keep_in_common():
    scores = {
        "reference": np.array([0.9, 0.8, 0.7, 0.2, 0.1, np.nan]),
        "reference@seed-2": np.array([0.9, 0.1, 0.7, 0.8, 0.1, 0.5]),
    }
    found = reference_stability("seeds", "chat", scores, 2)
    # Of the five rows that both score, one keeps 0 and 1, the other 0 and 3.
    assert (found.n_rows, found.share_stays, found.n_unsure, found.low, found.high) == (5, 0.5, 2, 0.2, 0.8)
    # Standard deviations 0, 0.7/sqrt(2), 0, 0.6/sqrt(2), 0, over sqrt(2).
    assert found.standard_error_median == 0
    assert found.standard_error_90 == pytest.approx(0.3 + 0.6 * 0.05)
    assert reference_stability("seeds", "chat", {"reference": scores["reference"]}, 2) is None
    assert reference_stability("seeds", "chat", scores, 5) is None
    lowest = reference_stability("seeds", "chat", scores, 1, higher_is_better=False)
    # Row 4 is lowest under the first; under the second rows 1 and 4 tie, and the first of them is taken.
    assert lowest.share_stays == 0 and lowest.n_unsure == 2


def test_the_last_kept_row_of_a_small_pool_has_the_rank_of_a_beta_number():
    """Two of four: the best row is kept in every draw, the second where a Beta(2, 3) number is above a quarter."""
    found = cut_stability("", np.array([4.0, 3.0, 2.0, 1.0]), 2)
    assert found.share_stays == pytest.approx((1 + beta.sf(0.25, 2, 3)) / 2, abs=0.01)
