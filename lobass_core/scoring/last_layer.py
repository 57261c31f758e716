"""The last layer of a transformer, computed only where the head reads it.

Nothing stands above the last layer but the head, so a position that predicts no response token is needed there for its
keys and values alone. Queries, the output projection and the MLP work position by position: they are given the
positions that predict, and what they make is put back in its place, zeros around it.

                    prompt        response
    keys, values    * * * * * * * * * * *
    everything else             * * * * *      (the last token is only predicted)
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

# Names of modules that work position by position, in the layers of the families with a fast path.
IN_LAYER = ("mlp", "fc1", "fc2")
IN_ATTENTION = ("q_proj", "o_proj", "out_proj", "dense", "c_proj")
ATTENTIONS = ("self_attn", "attn", "attention")


@contextlib.contextmanager
def only_at(body: nn.Module, places: torch.Tensor) -> Iterator[None]:
    """Within it, the last layer of `body` is right at `places` alone: int64[m], flat positions in [rows, width]."""
    narrowed = [_Narrowed(module, places) for module in position_wise(body)]
    try:
        yield
    finally:
        for one in narrowed:
            one.release()


def position_wise(body: Any) -> list[nn.Module]:
    """The modules of the last layer that see one position at a time; none where its layers are not found."""
    stack = getattr(body, "decoder", body)
    layers = getattr(stack, "layers", None) or getattr(stack, "h", None)
    if not layers:
        return []
    layer = layers[-1]
    attention = next((getattr(layer, name) for name in ATTENTIONS if hasattr(layer, name)), None)
    parts = [getattr(layer, name, None) for name in IN_LAYER] + [
        getattr(attention, name, None) for name in IN_ATTENTION
    ]
    return [module for module in parts if isinstance(module, nn.Module)]


class _Narrowed:
    """A module that is given some positions only, by hooks, so that adapters on it stay what they are."""

    def __init__(self, module: nn.Module, places: torch.Tensor) -> None:
        self._places = places
        self._hooks = [module.register_forward_pre_hook(self._gather), module.register_forward_hook(self._put_back)]

    def _gather(self, _: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        states, *rest = inputs
        self._shape = states.shape[:-1]
        return states.reshape(-1, states.shape[-1])[self._places].unsqueeze(0), *rest

    def _put_back(self, _: nn.Module, __: Any, output: torch.Tensor) -> torch.Tensor:
        whole = output.new_zeros(self._shape.numel(), output.shape[-1])
        return whole.index_copy_(0, self._places, output.reshape(-1, output.shape[-1])).view(*self._shape, -1)

    def release(self) -> None:
        for hook in self._hooks:
            hook.remove()
