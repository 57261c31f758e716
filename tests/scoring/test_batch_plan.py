"""Batches and shards: exact cuts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lobass_core.scoring.batch_plan import cut_groups, fill_batches, longest_first, padding_share

LENGTHS = np.array([3, 9, 1, 9, 5, 0, 2])


def test_longest_first_leaves_out_what_has_nothing_to_score():
    order = longest_first(LENGTHS, ["g", "f", "e", "d", "c", "b", "a"])
    assert order.tolist() == [3, 1, 4, 0, 6]


def test_batches_fill_the_budget_in_input_tokens():
    batches = list(fill_batches(np.array([1, 3, 4, 0, 6]), LENGTHS, 16))
    assert [(batch.indices.tolist(), batch.width) for batch in batches] == [([1, 3], 8), ([4, 0, 6], 4)]
    assert padding_share(batches, LENGTHS) == 1 - (16 + 7) / (16 + 12)


def test_a_sample_longer_than_the_budget_goes_alone():
    batches = list(fill_batches(np.array([1, 3, 6]), LENGTHS, 4))
    assert [batch.indices.tolist() for batch in batches] == [[1], [3], [6]]


def test_nothing_gives_nothing():
    empty = np.zeros(0, dtype=np.int64)
    assert list(fill_batches(empty, LENGTHS, 16)) == []
    assert cut_groups(empty, LENGTHS, max_samples=2, max_tokens=9) == []
    assert padding_share([], LENGTHS) == 0


@given(st.lists(st.integers(2, 50), max_size=40), st.integers(1, 200))
def test_every_sample_once_and_never_over_the_budget(lengths: list[int], budget: int):
    sizes = np.array(lengths, dtype=np.int64)
    order = longest_first(sizes, [str(number) for number in range(len(lengths))])
    batches = list(fill_batches(order, sizes, budget))
    assert [index for batch in batches for index in batch.indices] == order.tolist()
    for batch in batches:
        assert batch.width == sizes[batch.indices].max() - 1
        assert len(batch.indices) == 1 or batch.width * len(batch.indices) <= budget


def test_groups_close_at_samples_or_tokens():
    order = np.array([1, 3, 4, 0, 6])
    groups = cut_groups(order, LENGTHS, max_samples=3, max_tokens=10)
    assert [group.tolist() for group in groups] == [[1, 3], [4, 0, 6]]
