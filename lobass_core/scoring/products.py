"""Which of torch's two libraries multiplies a model's float32 matrices on a CPU: MKL, its own choice, or oneDNN.

The choice is a property of the model's linear layers, made once by `compute_by`: forward passes, recomputation and
backward passes go the same way in whatever thread they run.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from lobass_core.scoring.onednn import OneDnnLinear, onednn_linear

Library = Literal["mkl", "onednn"]

# Where both are about as fast, torch keeps its own way.
WORTH = 1.25
_TRIAL_ROWS, _TRIAL_WIDTH = 512, 512
_TRIALS = 9


def compute_by(model: nn.Module, library: Library) -> None:
    """Let the linear layers of a model multiply by that library; weights, names and what is saved stay the same.

    Layers that are more than `nn.Linear` (quantised, grouped experts, GPT-2's Conv1D) compute as they did. Call it
    again once an adapter is put on the model.
    """
    old, new = (nn.Linear, OneDnnLinear) if library == "onednn" else (OneDnnLinear, nn.Linear)
    for module in model.modules():
        if type(module) is old:
            module.__class__ = new
    if hasattr(model, "peft_config"):
        from lobass_core.scoring.adapted_linear import fuse_adapters

        fuse_adapters(model)


def fastest_library(device: torch.device, dtype: torch.dtype) -> Library:
    """The library that multiplies fastest on this processor, by a trial of some milliseconds."""
    on_cpu = device.type == "cpu" and dtype == torch.float32
    return "onednn" if on_cpu and onednn_is_faster() else "mkl"


@cache
def has_onednn() -> bool:
    """Whether this build of torch has oneDNN with the operator, and it runs on this processor."""
    if not torch.backends.mkldnn.is_available():
        return False
    try:
        onednn_linear(torch.ones(2, 2), torch.ones(2, 2))
    except (AttributeError, RuntimeError):
        return False
    return True


@cache
def onednn_is_faster() -> bool:
    """Whether oneDNN multiplies this process's matrices at least a quarter faster; tried once, in milliseconds."""
    if not has_onednn():
        return False
    states, weight = torch.ones(_TRIAL_ROWS, _TRIAL_WIDTH), torch.ones(_TRIAL_WIDTH, _TRIAL_WIDTH)
    ways: tuple[Callable[..., torch.Tensor], ...] = (functional.linear, onednn_linear)
    best = [float("inf")] * len(ways)
    n_threads = torch.get_num_threads()
    # On one thread and in CPU seconds: on a busy machine, threads that wait for each other would decide.
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            # Side by side, so that a busy machine slows both; the first round only wakes them up.
            for _ in range(1 + _TRIALS):
                for place, way in enumerate(ways):
                    start = time.process_time()
                    way(states, weight)
                    best[place] = min(best[place], time.process_time() - start)
    finally:
        torch.set_num_threads(n_threads)
    return best[0] >= WORTH * best[1]
