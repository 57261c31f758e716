"""All GPUs but one are hidden, by the names that the process knows them by."""

import os

import pytest
import torch

from lobass_core.training.one_gpu import VISIBLE, one_gpu


@pytest.mark.parametrize(
    ("visible", "n_gpus", "name", "left", "now"),
    [
        (None, 4, "auto", "0", "cuda"),
        (None, 4, "cuda:2", "2", "cuda"),
        ("5, 6,7", 3, "cuda:1", "6", "cuda"),
        ("GPU-ab,GPU-cd", 2, "cuda", "GPU-ab", "cuda"),
        (None, 4, "cpu", None, "cpu"),
        (None, 4, "cuda:9", None, "cuda:9"),
        (None, 1, "cuda:0", None, "cuda:0"),
        (None, 0, "auto", None, "auto"),
    ],
)
def test_one_gpu(monkeypatch, visible, n_gpus, name, left, now):
    monkeypatch.setenv(VISIBLE, visible or "")
    if visible is None:
        monkeypatch.delenv(VISIBLE)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    assert one_gpu(name) == now
    assert os.environ.get(VISIBLE) == left
