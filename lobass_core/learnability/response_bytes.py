"""How many bytes of text a response holds: what its loss is divided by to compare models of different tokenizers."""

import numpy as np


def n_response_bytes(text: str, starts: np.ndarray, ends: np.ndarray, response_mask: np.ndarray) -> int:
    """UTF-8 bytes of the text that the response tokens cover, end markers included.

    `starts` and `ends` are the tokens' character offsets. Neighbouring response tokens count as one stretch of text,
    from the start of the first to the furthest end: tokens that share a character count it once, and white space that
    a tokenizer trims from its offsets counts too.

        tokens         What is it ?   你(1) 你(2)  好  </s>
        response_mask    0   0   0 0     1     1    1    1       3 + 3 + 4 = 10 bytes
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], response_mask.astype(np.int8), [0]])))
    total = 0
    for first, end in edges.reshape(-1, 2).tolist():
        # A lone surrogate, which JSON can hold, counts the three bytes that it would take.
        total += len(text[int(starts[first:end].min()) : int(ends[first:end].max())].encode("utf-8", "surrogatepass"))
    return total
