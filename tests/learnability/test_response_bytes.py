"""Bytes of the text that response tokens cover."""

import numpy as np
import pytest

from lobass_core.learnability.response_bytes import n_response_bytes


def count(text: str, tokens: list[tuple[int, int, int]]) -> int:
    """(start, end, is response) a token."""
    starts, ends, mask = np.array(tokens).reshape(-1, 3).T
    return n_response_bytes(text, starts, ends, mask.astype(bool))


@pytest.mark.parametrize(
    ("text", "tokens", "n_bytes"),
    [
        ("ab: yes</s>", [(0, 3, 0), (3, 7, 1), (7, 11, 1)], 8),
        # Two tokens of one character, as byte-level tokenizers give: its three bytes count once.
        ("q你好</s>", [(0, 1, 0), (1, 2, 1), (1, 2, 1), (2, 3, 1), (3, 7, 1)], 10),
        # White space that the tokenizer trims from its offsets, between two response tokens.
        ("q: a  b", [(0, 2, 0), (3, 4, 1), (6, 7, 1)], 4),
        # Two answers: what lies between them is not response.
        ("q a q b", [(0, 2, 0), (2, 3, 1), (3, 6, 0), (6, 7, 1)], 2),
        # A marker without characters of its own covers nothing.
        ("q a", [(0, 2, 0), (2, 3, 1), (3, 3, 1)], 1),
        ("q \ud83d", [(0, 2, 0), (2, 3, 1)], 3),
        ("q", [(0, 1, 0)], 0),
        ("", [], 0),
    ],
)
def test_bytes_of_the_covered_text(text: str, tokens: list[tuple[int, int, int]], n_bytes: int) -> None:
    assert count(text, tokens) == n_bytes
