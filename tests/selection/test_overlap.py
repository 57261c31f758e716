"""Overlaps by hand."""

import numpy as np
import pytest

from lobass_core.selection.overlap import DomainOverlap, overlap, ranks_of, score_agreement


def test_ranks_of_picks():
    assert ranks_of(np.array([7, 3, 5]), np.array([5, 9, 7])).tolist() == [3, 0, 1]
    # A pick that is not among the rows ranks no row in its place.
    assert ranks_of(np.array([7, 3, 5]), np.array([5, 9, 3])).tolist() == [0, 3, 1]
    assert ranks_of(np.zeros(0, int), np.array([1])).tolist() == []


def test_overlap_by_domain():
    rank_a = np.array([1, 2, 3, 0, 0, 4])
    rank_b = np.array([3, 2, 0, 1, 0, 0])
    found = overlap(rank_a, rank_b, np.array([0, 0, 0, 1, 1, 1]), ("chat", "math"))
    assert found.domains == (DomainOverlap("chat", 2, 1, 0), DomainOverlap("math", 0, 1, 1))
    assert (found.both, found.only_a, found.only_b, found.jaccard) == (2, 2, 1, 0.4)
    assert found.rank_agreement == -1.0
    # Chat: 3 and 2 of 3 rows share 2 in the mean; math: 1 and 1 of 3 rows share 1/3.
    assert found.expected_both == pytest.approx(2 + 1 / 3)


def test_two_empty_selections_agree():
    found = overlap(np.zeros(2, int), np.zeros(2, int), np.zeros(2, int), ("chat",))
    assert (found.jaccard, found.rank_agreement, found.expected_both) == (1.0, None, 0.0)


def test_agreement_by_domain():
    a, b = np.array([1.0, 2.0, 1.0, 2.0]), np.array([1.0, 2.0, 2.0, 1.0])
    assert score_agreement(a, b, np.array([0, 0, 1, 1]), ("chat", "math", "poems")) == {
        "chat": 1.0,
        "math": -1.0,
        "poems": None,
    }
