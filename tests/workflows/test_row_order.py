"""The quick stable sort gives what the slow one gives."""

import numpy as np
import pytest

from lobass_core.workflows.row_order import stable_order


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_values", [1, 3, 50, 10**9])
def test_equal_values_stay_as_they_stood(seed: int, n_values: int):
    random = np.random.default_rng(seed)
    numbers = random.integers(-n_values, n_values, 3000)
    losses = numbers / 7
    losses[random.random(3000) < 0.1] = np.nan
    for values in (numbers, numbers.astype(np.int32), losses, -losses):
        assert stable_order(values).tolist() == np.argsort(values, kind="stable").tolist()


@pytest.mark.parametrize("values", [[], [1.0], [np.nan, np.nan], [2, 1, 2]])
def test_few_values(values: list):
    array = np.array(values)
    assert stable_order(array).tolist() == np.argsort(array, kind="stable").tolist()
