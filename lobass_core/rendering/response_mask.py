"""Which tokens are response, and which of them fit under a limit: arithmetic over the places of tokens in the text."""

from collections.abc import Sequence

import numpy as np


def response_mask(offsets: np.ndarray, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """Which tokens are response: those that hold at least one character of a span; bool[n].

    A token that spans the boundary is response, as the model must predict the response's first characters with it.
    A token without characters of its own (white space that the tokenizer trimmed from its offsets) takes the ones
    between the previous token and its own place. The first token is never response: nothing predicts it.
    """
    mask = np.zeros(len(offsets), dtype=bool)
    if not len(offsets):
        return mask
    starts, ends = offsets[:, 0].copy(), offsets[:, 1]
    empty = starts == ends
    previous_ends = np.concatenate([[0], np.maximum.accumulate(ends)[:-1]])
    starts[empty] = np.minimum(previous_ends, starts)[empty]
    still_empty = starts == ends
    for start, end in spans:
        mask |= np.where(still_empty, (starts >= start) & (starts < end), (starts < end) & (ends > start))
    mask[0] = False
    return mask


def fitting_tokens(mask: np.ndarray, limit: int, *, begins_with_bos: bool) -> tuple[np.ndarray, int]:
    """Positions that fit, and how many do not, of tokens with that response mask.

    The end is cut. Where the prompt alone fills the limit, the prompt loses its start instead (BOS stays), so that
    up to half of the limit holds the start of the response.
    """
    n_tokens = len(mask)
    everything = np.arange(n_tokens)
    if n_tokens <= limit:
        return everything, 0
    first = int(mask.argmax()) if mask.any() else 0
    if first < limit:
        return everything[:limit], n_tokens - limit
    n_bos = int(begins_with_bos)
    end = min(first + max(1, limit // 2), n_tokens)
    start = end - (limit - n_bos)
    kept = np.concatenate([everything[:n_bos], everything[start:end]])
    return kept, n_tokens - len(kept)
