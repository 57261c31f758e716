"""A linear layer with one LoRA adapter, computed and derived in one go.

PEFT adds the adapter's part in tensors of the layer's size of their own, forward and back: y, B(Ax), s B(Ax) and their
sum. Here it is added in place, y = x W^T + b + s (x A^T) B^T, and on the way back, for a frozen W,

    dh = s dy B      dx = dy W + dh A      dA = dh^T x      dB = s dy^T (x A^T)
"""

from typing import Any, cast

import torch
from peft.tuners.lora.layer import Linear as LoraLinear
from torch import nn

from lobass_core.scoring.onednn import Product, is_linear, product_of


def fuse_adapters(model: nn.Module) -> None:
    """Let every linear layer with LoRA adapters compute in one go where it can; what is saved stays the same."""
    for module in model.modules():
        if type(module) is LoraLinear:
            module.__class__ = FusedLoraLinear


class FusedLoraLinear(LoraLinear):
    """PEFT's layer; it computes by itself whatever is more than one plain adapter in float32 on a CPU."""

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """y = x W^T + b + s (x A^T) B^T."""
        name = None if args or kwargs else self._only_adapter()
        if name is None or not self._computes(x, name):
            return super().forward(x, *args, **kwargs)
        base, down, up = (cast(nn.Linear, one) for one in (self.base_layer, self.lora_A[name], self.lora_B[name]))
        matrices = base.weight, base.bias, down.weight, up.weight
        product, scale = product_of(base), self.scaling[name]
        if torch.is_grad_enabled():
            return _AdaptedProduct.apply(x, *matrices, scale, product)
        return _adapted(x, *matrices, scale, product)[0]

    def _only_adapter(self) -> str | None:
        """The adapter that is switched on, if it is one plain adapter on a plain layer."""
        active = [name for name in self.active_adapters if name in self.lora_A]
        if self.disable_adapters or self.merged or len(active) != 1 or not is_linear(self.base_layer):
            return None
        (name,) = active
        drops = self.training and not isinstance(self.lora_dropout[name], nn.Identity)
        return None if drops or name in self.lora_variant or self.lora_bias[name] else name

    def _computes(self, states: torch.Tensor, name: str) -> bool:
        base = self.base_layer
        weights = base.weight, self.lora_A[name].weight, self.lora_B[name].weight
        frozen = not base.weight.requires_grad and (base.bias is None or not base.bias.requires_grad)
        on_cpu = states.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        return frozen and on_cpu and all(one.dtype == torch.float32 for one in (states, *weights))


class _AdaptedProduct(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scale: float,
        product: Product,
    ) -> torch.Tensor:
        result, low = _adapted(states, weight, bias, down, up, scale, product)
        ctx.save_for_backward(states, low, weight, down, up)
        ctx.scale, ctx.product = scale, product
        return result

    @staticmethod
    def backward(ctx: Any, *outward: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        states, low, weight, down, up = ctx.saved_tensors
        gradient = outward[0].reshape(-1, outward[0].shape[-1])
        for_states, _, _, for_down, for_up, *_ = ctx.needs_input_grad
        to_low = (gradient @ up).mul_(ctx.scale)
        of_states = None
        if for_states:
            of_states = ctx.product(gradient, weight.t(), None).addmm_(to_low, down).view(states.shape)
        of_down = to_low.t() @ states.reshape(-1, states.shape[-1]) if for_down else None
        of_up = (gradient.t() @ low).mul_(ctx.scale) if for_up else None
        return of_states, None, None, of_down, of_up, None, None


def _adapted(
    states: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    down: torch.Tensor,
    up: torch.Tensor,
    scale: float,
    product: Product,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The layer's result, and x A^T, which the way back needs."""
    rows = states.reshape(-1, states.shape[-1])
    low = rows @ down.t()
    result = product(rows, weight, bias).addmm_(low, up.t(), alpha=scale)
    return result.view(*states.shape[:-1], -1), low
