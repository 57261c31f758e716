"""Rendered samples as flat arrays: what a million samples may cost in memory, and what batches are cut from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lobass_core.rendering.render import Rendered


@dataclass(frozen=True, slots=True)
class TokenTable:
    """Token ids and response masks of many samples, end to end.

    Sample i has `input_ids[starts[i]:starts[i + 1]]`. `lengths[i]` is how far it must be read: up to its last response
    token and no further, as later tokens change nothing.
    """

    sample_ids: tuple[str, ...]
    input_ids: np.ndarray
    response_mask: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    n_response_tokens: np.ndarray
    n_response_bytes: np.ndarray
    n_prompt_tokens: np.ndarray
    n_dropped_tokens: np.ndarray
    statuses: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sample_ids)

    @classmethod
    def of(cls, rendered: Sequence[Rendered]) -> "TokenTable":
        """Gather rendered samples, in their order."""
        sizes = np.array([len(item.input_ids) for item in rendered], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        masks = [item.response_mask for item in rendered]
        return cls(
            sample_ids=tuple(item.sample_id for item in rendered),
            input_ids=_joined([item.input_ids for item in rendered], np.int32),
            response_mask=_joined(masks, np.bool_),
            starts=starts,
            lengths=np.array([_last_response(mask) for mask in masks], dtype=np.int64),
            n_response_tokens=np.array([mask.sum() for mask in masks], dtype=np.int32),
            n_response_bytes=np.array([item.n_response_bytes for item in rendered], dtype=np.int32),
            n_prompt_tokens=np.array([(~mask).sum() for mask in masks], dtype=np.int32),
            n_dropped_tokens=np.array([item.n_dropped_tokens for item in rendered], dtype=np.int32),
            statuses=tuple(item.status for item in rendered),
        )

    @classmethod
    def concatenated(cls, tables: Sequence["TokenTable"]) -> "TokenTable":
        """One table of several, in their order."""
        sizes = [np.diff(table.starts) for table in tables]
        return cls(
            sample_ids=tuple(name for table in tables for name in table.sample_ids),
            input_ids=_joined([table.input_ids for table in tables], np.int32),
            response_mask=_joined([table.response_mask for table in tables], np.bool_),
            starts=np.concatenate([[0], np.cumsum(_joined(sizes, np.int64))]).astype(np.int64),
            lengths=_joined([table.lengths for table in tables], np.int64),
            n_response_tokens=_joined([table.n_response_tokens for table in tables], np.int32),
            n_response_bytes=_joined([table.n_response_bytes for table in tables], np.int32),
            n_prompt_tokens=_joined([table.n_prompt_tokens for table in tables], np.int32),
            n_dropped_tokens=_joined([table.n_dropped_tokens for table in tables], np.int32),
            statuses=tuple(status for table in tables for status in table.statuses),
        )

    def ids_of(self, index: int) -> np.ndarray:
        """Token ids of one sample, up to its last response token."""
        start = self.starts[index]
        return self.input_ids[start : start + self.lengths[index]]

    def mask_of(self, index: int) -> np.ndarray:
        """Response mask of one sample, as long as its ids."""
        start = self.starts[index]
        return self.response_mask[start : start + self.lengths[index]]


def _joined(parts: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.zeros(0, dtype)


def _last_response(mask: np.ndarray) -> int:
    """How many tokens lead up to and include the last response token; 0 without any."""
    places = np.flatnonzero(mask)
    return int(places[-1]) + 1 if len(places) else 0
