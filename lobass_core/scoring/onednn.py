"""Linear layers whose float32 products on a CPU oneDNN computes, forward and back."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

Product = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]
# oneDNN makes code for every number of rows it meets, and its memory, about 0.6 MB each, does not come back: 4,000
# samples of a 5.4M model cost 884 MB at any number of rows and 115 MB at multiples of 64, as fast.
FEW_SHAPES = 64


class OneDnnLinear(nn.Linear):
    """An ordinary linear layer, saved and adapted as such, whose float32 products on a CPU oneDNN computes."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """y = x W^T + b."""
        return onednn_or_plain(input, self.weight, self.bias)


def product_of(module: nn.Module) -> Product:
    """How a linear layer computes its product, for whoever multiplies by a part of its weight."""
    return onednn_or_plain if type(module) is OneDnnLinear else functional.linear


def is_linear(module: nn.Module) -> bool:
    """Whether a layer is nothing but a matrix and perhaps a bias."""
    return type(module) in (nn.Linear, OneDnnLinear)


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
