"""Steps hold each sample once an epoch, keep to the token budget, and are the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lobass_core.training.batches import padding_share, plan_steps

LENGTHS = np.random.default_rng(0).integers(2, 200, size=500)


def test_every_epoch_shows_each_sample_once_in_an_order_of_its_own():
    one = plan_steps(LENGTHS, 1000, 1, seed=0)
    two = plan_steps(LENGTHS, 1000, 2, seed=0)
    assert sorted(np.concatenate(one).tolist()) == list(range(500))
    assert [step.tolist() for step in two[: len(one)]] == [step.tolist() for step in one]
    assert sorted(np.concatenate(two[len(one) :]).tolist()) == list(range(500))
    assert [step.tolist() for step in two[len(one) :]] != [step.tolist() for step in one]


def test_a_fraction_of_an_epoch_shows_a_part_of_the_samples():
    whole, half = plan_steps(LENGTHS, 1000, 1, seed=0), plan_steps(LENGTHS, 1000, 0.5, seed=0)
    assert len(half) == round(len(whole) / 2)
    assert [step.tolist() for step in half] == [step.tolist() for step in whole[: len(half)]]
    assert len(plan_steps(LENGTHS, 1000, 0.001, seed=0)) == 1


def test_seeds_differ_and_repeat():
    def plan(seed: int) -> list[list[int]]:
        return [step.tolist() for step in plan_steps(LENGTHS, 1000, 1, seed)]

    assert plan(3) == plan(3)
    assert plan(3) != plan(4)


def test_padding_stays_at_a_few_percent_and_steps_are_not_sorted_by_length():
    steps = plan_steps(np.random.default_rng(1).integers(10, 400, size=8000), 4096, 1, seed=0)
    lengths = np.random.default_rng(1).integers(10, 400, size=8000)
    assert padding_share(steps, lengths) < 0.05
    longest = [int(lengths[step].max()) for step in steps]
    assert abs(np.corrcoef(longest, np.arange(len(longest)))[0, 1]) < 0.2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=80), st.integers(1, 100), st.integers(0, 5))
def test_the_budget_holds_unless_a_single_sample_exceeds_it(lengths, budget, seed):
    steps = plan_steps(np.array(lengths, dtype=np.int64), budget, 1, seed)
    shown = [index for step in steps for index in step.tolist()]
    assert sorted(shown) == [index for index, length in enumerate(lengths) if length > 1]
    for step in steps:
        assert len(step) == 1 or len(step) * max(lengths[index] for index in step) <= budget


@pytest.mark.parametrize("epochs", [0.5, 1, 2.5])
def test_no_samples_make_no_steps(epochs):
    assert plan_steps(np.zeros(0, dtype=np.int64), 100, epochs, 0) == []
