"""Cross-entropy through a linear head, its gradients made while the logits are there: none are kept or computed twice.

For logits z = cap(scale * (h W^T + b)) of one token and its target t, the loss is logsumexp(z) - z[t], and

    dz = softmax(z) - one_hot(t)      dh = dy W      dW = dy^T h      db = dy summed over tokens

where dy is dz through the cap, cap'(z) = 1 - (z / c)^2, times the scale.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from lobass_core.scoring.onednn import FEW_SHAPES, Product, few_shapes, product_of
from lobass_core.scoring.output_head import OutputHead

# Logits at a time, 128 MiB in float32; a head with a soft cap needs as much again.
MOST_LOGITS = 1 << 25
# Columns of a weight's gradient at a time, so that no second matrix of the vocabulary's size is made.
GRADIENT_COLUMNS = 16_384


def head_loss_sum(states: torch.Tensor, targets: torch.Tensor, head: OutputHead) -> torch.Tensor:
    """Scalar, nats: the summed loss of `targets` int64[m] predicted by `states` [m, width], through a linear head."""
    return _HeadLoss.apply(states, head.module.weight, head.module.bias, targets, head)  # type: ignore[no-untyped-call]


class _HeadLoss(torch.autograd.Function):
    """The loss with gradients for states, weight and bias, as far as they are wanted; good for one backward pass."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        head: OutputHead,
    ) -> torch.Tensor:
        gradients = _Gradients(states, weight, bias, ctx.needs_input_grad, product_of(head.module))
        compute_dtype = _compute_dtype(states)
        matrix, offset = weight.to(compute_dtype), None if bias is None else bias.to(compute_dtype)
        n_rows = max(FEW_SHAPES, MOST_LOGITS // len(weight) // FEW_SHAPES * FEW_SHAPES)
        total = torch.zeros((), dtype=torch.float32, device=states.device)
        for start in range(0, len(targets), n_rows):
            some = slice(start, start + n_rows)
            rows, wanted = states[some].to(compute_dtype), targets[some]
            logits = head.shape(gradients.product(rows, matrix, offset).float())
            normaliser = torch.logsumexp(logits, dim=1)
            total += (normaliser - logits.gather(1, wanted.unsqueeze(1)).squeeze(1)).sum()
            if any(ctx.needs_input_grad):
                gradients.add(some, rows, matrix, _before_head(logits, normaliser, wanted, head).to(compute_dtype))
        ctx.gradients = gradients
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outward: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        return (*(None if one is None else one.mul_(outward) for one in gradients.all), None, None)


class _Gradients:
    """What flows back to states, weight and bias, added up slice by slice."""

    def __init__(
        self,
        states: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        wanted: tuple[bool, ...],
        product: Product,
    ) -> None:
        self.product = product
        self.of_states = torch.empty_like(states) if wanted[0] else None
        self.of_weight = torch.zeros_like(weight) if wanted[1] else None
        self.of_bias = torch.zeros_like(bias) if bias is not None and wanted[2] else None

    @property
    def all(self) -> tuple[torch.Tensor | None, ...]:
        return self.of_states, self.of_weight, self.of_bias

    def add(self, some: slice, rows: torch.Tensor, matrix: torch.Tensor, outward: torch.Tensor) -> None:
        """The part of the rows `some`; `outward` is the gradient of what the head's product gave for them."""
        n_rows = len(rows)
        rows, outward = few_shapes(rows), few_shapes(outward)
        if self.of_states is not None:
            self.of_states[some] = self.product(outward, matrix.t(), None)[:n_rows]
        if self.of_weight is not None:
            for start in range(0, len(matrix), GRADIENT_COLUMNS):
                columns = slice(start, start + GRADIENT_COLUMNS)
                self.of_weight[columns] += self.product(outward[:, columns].t(), rows.t(), None)
        if self.of_bias is not None:
            self.of_bias += outward.sum(0)


def _before_head(
    logits: torch.Tensor, normaliser: torch.Tensor, targets: torch.Tensor, head: OutputHead
) -> torch.Tensor:
    """The gradient of the loss before cap and scale; where there is no cap, it takes the place of the logits."""
    slope = 1 - (logits / head.softcap).square_() if head.softcap else None
    outward = logits.sub_(normaliser.unsqueeze(1)).exp_()
    outward[torch.arange(len(targets), device=targets.device), targets] -= 1
    if slope is not None:
        outward.mul_(slope)
    return outward.mul_(head.scale) if head.scale != 1.0 else outward


def _compute_dtype(states: torch.Tensor) -> torch.dtype:
    """What a linear layer would compute in here."""
    kind = states.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype
