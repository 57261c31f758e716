"""The token that closes an answer, found among the tokens that were scored."""

import numpy as np

from lobass_core.jobs.token_files import KeptText
from lobass_core.workflows.answer_ending import common_ending

TEMPLATE = "{{ '<|im_start|>' + content + '<|im_end|>' }}"


def _kept(*pieces: str, answer: slice, text: str = "") -> KeptText:
    """A row whose tokens are the pieces, of which a slice was scored."""
    ends = np.cumsum([len(piece) for piece in pieces])
    starts = np.concatenate([[0], ends[:-1]])
    mask = np.zeros(len(pieces), bool)
    mask[answer] = True
    return KeptText(text or "".join(pieces), np.column_stack([starts, ends]), mask)


CLOSED = _kept("<|im_start|>", "Hi", "<|im_end|>", "\n", answer=slice(1, 3))
CUT = _kept("<|im_start|>", "Once", " upon", answer=slice(1, 3), text="<|im_start|>Once upon a time<|im_end|>")
OPEN = _kept("a", " Hi", answer=slice(1, 2))
NOT_SCORED = _kept("a", "b", answer=slice(0, 0))


def test_most_answers_end_with_it_and_the_template_writes_it():
    assert common_ending([None, CUT, NOT_SCORED, CLOSED, CLOSED, OPEN], TEMPLATE) == "<|im_end|>"


def test_what_only_some_end_with_is_none():
    assert common_ending([CLOSED, OPEN], TEMPLATE) == ""
    assert common_ending([], TEMPLATE) == common_ending([CUT, None], TEMPLATE) == ""


def test_a_token_that_the_template_takes_from_the_tokenizer_is_not_named():
    """`{{ eos_token }}`: the tokenizer's own, which every trainer knows."""
    assert common_ending([CLOSED], "{{ content + eos_token }}") == ""


def test_white_space_that_a_token_swallows_is_not_part_of_it():
    assert common_ending([_kept("Hi", "<|im_end|> \n", answer=slice(0, 2))], TEMPLATE) == "<|im_end|>"
