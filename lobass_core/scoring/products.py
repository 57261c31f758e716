"""Matrix products by whichever of torch's two libraries is the faster on this processor.

torch multiplies float32 matrices on a CPU with MKL. On an AMD EPYC with AVX-512 that reaches 100 GFLOP/s on one core,
and oneDNN, which lies beside it in every torch, 230. Both round alike; torch itself takes oneDNN where it compiles.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

# Where both are as fast (an Intel processor), torch keeps its own way.
WORTH = 1.25
# oneDNN makes code for every number of rows it meets, and its memory, about 0.6 MB each, does not come back: 4,000
# samples of a 5.4M model cost 884 MB at any number of rows and 115 MB at multiples of 64, as fast.
FEW_SHAPES = 64
_TRIAL_ROWS, _TRIAL_WIDTH = 512, 512
_TRIALS = 5


class OneDnnProducts(TorchFunctionMode):
    """Within it, `linear` on float32 matrices of a CPU goes to oneDNN."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Hand on every other call as it is."""
        return (_linear if func is functional.linear else func)(*args, **(kwargs or {}))


def fastest_products(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """What to run a model in; it may be entered again and again."""
    on_cpu = device.type == "cpu" and dtype == torch.float32
    return OneDnnProducts() if on_cpu and onednn_is_faster() else nullcontext()


@cache
def onednn_is_faster() -> bool:
    """Whether oneDNN multiplies this process's matrices at least a quarter faster; tried once, in milliseconds."""
    if not torch.backends.mkldnn.is_available():
        return False
    states, weight = torch.ones(_TRIAL_ROWS, _TRIAL_WIDTH), torch.ones(_TRIAL_WIDTH, _TRIAL_WIDTH)
    ways: tuple[Callable[..., torch.Tensor], ...] = (functional.linear, onednn_linear)
    best = [float("inf")] * len(ways)
    with torch.inference_mode():
        # Side by side, so that a busy machine slows both; the first round only wakes them up.
        for _ in range(1 + _TRIALS):
            for place, way in enumerate(ways):
                start = time.perf_counter()
                try:
                    way(states, weight)
                except (AttributeError, RuntimeError):
                    # A build of torch whose oneDNN lacks the operator, or cannot do this on its processor.
                    return False
                taken = time.perf_counter() - start
                best[place] = min(best[place], taken)
    return best[0] >= WORTH * best[1]


def onednn_linear(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """What `functional.linear` gives for float32 on a CPU, computed by oneDNN."""
    rows = states.reshape(-1, states.shape[-1])
    return _product(_padded(rows), weight, bias)[: len(rows)].view(*states.shape[:-1], -1)


def _product(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")


def _padded(rows: torch.Tensor) -> torch.Tensor:
    """Rows of zeros up to the next multiple of `FEW_SHAPES`."""
    n_missing = -len(rows) % FEW_SHAPES
    return functional.pad(rows, (0, 0, 0, n_missing)) if n_missing else rows


def _linear(states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    plain = type(weight) in (torch.Tensor, torch.nn.Parameter) and states.device.type == "cpu"
    if not (plain and states.dtype == weight.dtype == torch.float32 and states.numel()):
        return functional.linear(states, weight, bias)
    if torch.is_grad_enabled() and any(one is not None and one.requires_grad for one in (states, weight, bias)):
        return _LinearWithGradients.apply(states, weight, bias)
    return onednn_linear(states, weight, bias)


class _LinearWithGradients(torch.autograd.Function):
    """y = x W^T + b, and back: dx = dy W, dW = dy^T x, db = the sum of dy over rows."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        rows = states.reshape(-1, states.shape[-1])
        padded = _padded(rows)
        ctx.save_for_backward(padded, weight)
        return _product(padded, weight, bias)[: len(rows)].view(*states.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *outward: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = outward
        inputs, weight = ctx.saved_tensors
        rows = gradient.reshape(-1, gradient.shape[-1])
        padded = _padded(rows)
        for_states, for_weight, for_bias = ctx.needs_input_grad
        return (
            _product(padded, weight.t())[: len(rows)].view(*gradient.shape[:-1], -1) if for_states else None,
            _product(padded.t(), inputs.t()) if for_weight else None,
            rows.sum(0) if for_bias else None,
        )
