"""The ways that the training benchmark compares train the same: equal weights after the same steps."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from lobass_core.training.batches import plan_steps
from tests.models import tiny_model
from tests.token_tables import random_table

pytestmark = pytest.mark.slow


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    """benchmarks/training.py with its neighbours in reach, as `python benchmarks/training.py` has them."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    names = ("training", "scoring", "peak_memory")
    kept = {name: sys.modules.pop(name, None) for name in names}
    yield importlib.import_module("training")
    for name in names:
        sys.modules.pop(name, None)
        if kept[name] is not None:
            sys.modules[name] = kept[name]


def test_all_ways_end_with_the_same_adapter(benchmark):
    table = random_table([30, 20, 20, 12, 9, 9])
    steps = plan_steps(table.lengths, 64, 1, 0)
    weights = {}
    for way in benchmark.WAYS:
        model, watch = tiny_model("llama-tied"), benchmark.Watch(lambda: 0.0)
        benchmark.train(way, model, table, steps, "lora", watch)
        assert len(watch.ends) == 1 + len(steps)
        weights[way] = np.concatenate(
            [one.detach().flatten().numpy() for name, one in model.named_parameters() if "lora_" in name]
        )
    assert np.abs(weights["trainer"]).max() > 0.01
    for way in ("slices", "lobass"):
        # The rate is 1e-4, and Adam's first steps are of that size whatever the gradient: far below, rounding.
        assert np.abs(weights[way] - weights["trainer"]).max() < 2e-5
