"""Folds keep groups together, balance sizes and domains, and do not depend on row order."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobass_core.similarity.folds import assign_folds, fold_by_hash, folds_beside, held_out_rows
from lobass_core.similarity.near_duplicates import duplicate_groups

IDS = [f"{i:064x}" for i in range(101)]
DOMAINS = ["math" if i % 4 == 0 else "conversation" for i in range(101)]


def test_single_samples_give_sizes_that_differ_by_one_and_balanced_domains():
    folds = assign_folds(IDS, np.arange(101), DOMAINS, 4, seed=7)
    assert sorted(Counter(folds.tolist()).values()) == [25, 25, 25, 26]
    math = Counter(fold for fold, domain in zip(folds.tolist(), DOMAINS, strict=True) if domain == "math")
    assert sorted(math.values()) == [6, 6, 7, 7]


def test_a_group_is_never_split():
    groups = np.repeat(np.arange(34), 3)[:101]
    folds = assign_folds(IDS, groups, DOMAINS, 5, seed=0)
    assert all(len(set(folds[groups == group].tolist())) == 1 for group in range(34))
    sizes = Counter(folds.tolist())
    assert max(sizes.values()) - min(sizes.values()) <= 3


def test_a_large_group_leaves_the_single_samples_to_the_other_folds():
    groups = np.concatenate([np.zeros(40, int), np.arange(1, 62)])
    folds = assign_folds(IDS, groups, ["math"] * 101, 4, seed=0)
    assert sorted(Counter(folds.tolist()).values()) == [20, 20, 21, 40]


@pytest.mark.parametrize("seed", [0, 3])
def test_folds_do_not_depend_on_row_order(seed):
    groups = np.repeat(np.arange(51), 2)[:101]
    folds = assign_folds(IDS, groups, DOMAINS, 3, seed=seed)
    order = np.random.default_rng(seed).permutation(101)
    again = assign_folds([IDS[i] for i in order], groups[order], [DOMAINS[i] for i in order], 3, seed=seed)
    assert again.tolist() == folds[order].tolist()


def test_another_seed_gives_other_folds():
    assert (
        assign_folds(IDS, np.arange(101), DOMAINS, 4, seed=0).tolist()
        != assign_folds(IDS, np.arange(101), DOMAINS, 4, seed=1).tolist()
    )


def test_held_out_rows_are_whole_groups_of_about_the_share():
    groups = np.repeat(np.arange(51), 2)[:101]
    rows = held_out_rows(IDS, groups, share=0.1, seed=0, at_most=500)
    assert len(rows) == 10
    assert all(np.isin(np.flatnonzero(groups == group), rows).all() for group in set(groups[rows].tolist()))


def test_held_out_rows_keep_to_the_limit_and_may_be_none():
    assert len(held_out_rows(IDS, np.arange(101), share=0.5, seed=0, at_most=20)) == 20
    assert len(held_out_rows(IDS, np.arange(101), share=0.0, seed=0, at_most=20)) == 0
    assert len(held_out_rows(IDS, np.zeros(101, int), share=0.5, seed=0, at_most=20)) == 0


def test_held_out_groups_never_go_beyond_the_share_and_leave_something_to_train_on():
    # Groups of three in a share of ten: nine rows, as a fourth group would be twelve.
    groups = np.repeat(np.arange(34), 3)[:101]
    rows = held_out_rows(IDS, groups, share=0.1, seed=0, at_most=500)
    assert 9 <= len(rows) <= 10
    assert held_out_rows(IDS[:2], np.zeros(2, int), share=1.0, seed=0, at_most=500).tolist() == []


@given(
    st.lists(st.integers(0, 12), min_size=8, max_size=40), st.integers(2, 4), st.integers(0, 2**32 - 1), st.randoms()
)
@settings(max_examples=40)
def test_no_duplicate_ever_sits_in_two_folds(numbers, n_folds, seed, random):
    """Copies, in whatever case, spacing and punctuation, and copies but for their last word."""
    texts, originals = [], []
    for place, number in enumerate(numbers):
        words = [f"word{number * 31 + step}" for step in range(20)]
        if random.random() < 0.3:
            words[-1] = f"other{place}"
        spelt = [word.upper() if random.random() < 0.2 else word for word in words]
        texts.append(random.choice([" ", "  ", ", "]).join(spelt))
        originals.append(number)
    ids = [f"{random.getrandbits(256):064x}" for _ in texts]
    domains = [random.choice(["chat", "math"]) for _ in texts]
    folds = assign_folds(ids, duplicate_groups(texts), domains, n_folds, seed)
    fold_of = {}
    for number, fold in zip(originals, folds.tolist(), strict=True):
        assert fold_of.setdefault(number, fold) == fold


def test_a_sample_that_came_later_joins_its_near_duplicates():
    ids = [f"{i:08x}" + "0" * 56 for i in range(8)]
    # 0 and 4 are near duplicates; 1, 2 and 5 too, of which 1 and 2 were cut into folds; 6 and 7 have nobody.
    groups = np.array([0, 1, 1, 2, 0, 1, 3, 4])
    folds = folds_beside(ids, groups, {ids[0]: 2, ids[1]: 1, ids[2]: 1, ids[3]: 0}, 3)
    assert [folds[name] for name in ids] == [2, 1, 1, 0, 2, 1, fold_by_hash(ids[6], 3), fold_by_hash(ids[7], 3)]


def test_between_near_duplicates_in_several_folds_most_of_them_decide():
    folds = folds_beside(IDS[:4], np.zeros(4, int), {IDS[0]: 2, IDS[1]: 0, IDS[2]: 0}, 3)
    assert folds[IDS[3]] == 0
    assert folds_beside(IDS[:3], np.zeros(3, int), {IDS[0]: 2, IDS[1]: 1}, 3)[IDS[2]] == 1


@pytest.mark.parametrize(("share", "n"), [(0.09, 0), (0.1, 1), (0.29, 1), (0.3, 2)])
def test_halves_of_a_held_out_row_round_up(share: float, n: int):
    assert len(held_out_rows(list("abcde"), np.arange(5), share, 0, 9)) == n
