"""Keys and values of tokens that many samples begin with, computed once and lent to every batch."""

import inspect
from typing import Any

import numpy as np
import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

# Of keys and values kept for one model; above it all are let go, and made again when they are needed.
MOST_BYTES = 256 << 20


class LentLayer(DynamicLayer):
    """A layer's keys and values, put in front of a batch's own; the batch leaves nothing behind."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Keep keys and values [1, heads, shared tokens, head width]."""
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values = self._shared = keys, values
        self.n_bytes = keys.nbytes + values.nbytes

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of shared and own tokens, [rows, heads, shared + own, head width]."""
        keys, values = (shared.expand(key_states.shape[0], -1, -1, -1) for shared in self._shared)
        return torch.cat([keys, key_states], dim=-2), torch.cat([values, value_states], dim=-2)


def cache_argument(body: Any) -> str:
    """What the forward of a body calls the cache: `cache` since transformers 5.23, `past_key_values` before.

    Models that have moved to the new name warn about the old one at every first call.
    """
    return "cache" if "cache" in inspect.signature(body.forward).parameters else "past_key_values"


class PrefixCaches:
    """The kept prefixes of one model."""

    def __init__(self, body: Any, config: Any, device: torch.device) -> None:
        self._body, self._config, self._device = body, config, device
        self.argument = cache_argument(body)
        self._kept: dict[bytes, Cache] = {}
        self._n_bytes = 0

    @property
    def fits(self) -> bool:
        """Whether every layer of the model sees all tokens before its own: windows and states keep other things."""
        return all(type(layer) is DynamicLayer for layer in DynamicCache(config=self._config).layers)

    def of(self, tokens: np.ndarray) -> Cache:
        """The cache of these tokens, read now if it is not kept."""
        key = tokens.tobytes()
        if key not in self._kept:
            layers = self._read(tokens)
            n_bytes = sum(layer.n_bytes for layer in layers)
            if self._n_bytes + n_bytes > MOST_BYTES:
                self._kept, self._n_bytes = {}, 0
            self._kept[key] = Cache(layers=list(layers))
            self._n_bytes += n_bytes
        return self._kept[key]

    def _read(self, tokens: np.ndarray) -> list[LentLayer]:
        inputs = torch.from_numpy(tokens.astype(np.int64)[None]).to(self._device)
        filled: Any = DynamicCache(config=self._config)
        self._body(input_ids=inputs, attention_mask=None, use_cache=True, **{self.argument: filled})
        return [LentLayer(layer.keys, layer.values) for layer in filled.layers]
