"""Which of torch's two libraries multiplies a model's float32 matrices on a CPU: MKL, its own choice, or oneDNN.

The choice is a property of the model's linear layers, made once by `compute_by`: forward passes, recomputation and
backward passes go the same way in whatever thread they run.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

Library = Literal["mkl", "onednn"]
Product = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]

# Where both are about as fast, torch keeps its own way.
WORTH = 1.25
# oneDNN makes code for every number of rows it meets, and its memory, about 0.6 MB each, does not come back: 4,000
# samples of a 5.4M model cost 884 MB at any number of rows and 115 MB at multiples of 64, as fast.
FEW_SHAPES = 64
_TRIAL_ROWS, _TRIAL_WIDTH = 512, 512
_TRIALS = 9


class OneDnnLinear(nn.Linear):
    """An ordinary linear layer, saved and adapted as such, whose float32 products on a CPU oneDNN computes."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """y = x W^T + b."""
        return onednn_or_plain(input, self.weight, self.bias)


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


def product_of(module: nn.Module) -> Product:
    """How a linear layer computes its product, for whoever multiplies by a part of its weight."""
    return onednn_or_plain if type(module) is OneDnnLinear else functional.linear


def is_linear(module: nn.Module) -> bool:
    """Whether a layer is nothing but a matrix and perhaps a bias."""
    return type(module) in (nn.Linear, OneDnnLinear)


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


def onednn_linear(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """What `functional.linear` gives for float32 on a CPU, computed by oneDNN; without gradients."""
    rows = states.reshape(-1, states.shape[-1])
    return onednn_product(few_shapes(rows), weight, bias)[: len(rows)].view(*states.shape[:-1], -1)


def onednn_or_plain(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """The product by oneDNN where it can compute it (float32 on a CPU, plain tensors), else as torch does."""
    if not computes_by_onednn(states, weight):
        return functional.linear(states, weight, bias)
    if torch.is_grad_enabled() and any(one is not None and one.requires_grad for one in (states, weight, bias)):
        return _LinearWithGradients.apply(states, weight, bias)
    return onednn_linear(states, weight, bias)


def computes_by_onednn(states: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether oneDNN has a product for such tensors."""
    plain = type(weight) in (torch.Tensor, nn.Parameter) and states.device.type == "cpu"
    return plain and states.dtype == weight.dtype == torch.float32 and states.numel() > 0


def onednn_product(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """rows W^T + b for a matrix of rows, by the operator that torch's compiler emits."""
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")


def few_shapes(rows: torch.Tensor) -> torch.Tensor:
    """Rows of zeros up to the next multiple of `FEW_SHAPES`; the same tensor where there is nothing to add."""
    n_rows, width = rows.shape
    n_missing = -n_rows % FEW_SHAPES
    if not n_missing:
        return rows
    # functional.pad fills all of it first: twice the time.
    padded = rows.new_empty(n_rows + n_missing, width)
    padded[:n_rows] = rows
    padded[n_rows:] = 0
    return padded


class _LinearWithGradients(torch.autograd.Function):
    """y = x W^T + b, and back: dx = dy W, dW = dy^T x, db = the sum of dy over rows."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        # The states themselves, which the layers beside this one keep as well, and not their padded copy.
        ctx.save_for_backward(states if ctx.needs_input_grad[1] else None, weight)
        return onednn_linear(states, weight, bias)

    @staticmethod
    def backward(ctx: Any, *outward: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = outward
        states, weight = ctx.saved_tensors
        rows = gradient.reshape(-1, gradient.shape[-1])
        for_states, for_weight, for_bias = ctx.needs_input_grad
        padded = few_shapes(rows) if for_states or for_weight else rows
        return (
            onednn_product(padded, weight.t())[: len(rows)].view(*gradient.shape[:-1], -1) if for_states else None,
            _weight_gradient(padded, states) if for_weight else None,
            rows.sum(0) if for_bias else None,
        )


def _weight_gradient(gradient: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    inputs = few_shapes(states.reshape(-1, states.shape[-1]))
    return onednn_product(gradient.t(), inputs.t())
