"""Where the models stopped reading a truncated sample: the last token's end, found in the turns."""

import pytest

from lobass_core.workflows.read_part import ReadTo, read_to
from lobass_core.workflows.token_heat import TokenLosses

TEXT = "<user> Hi <assistant> First. <user> More? <assistant> The answer is 4.<end>"


def losses(n_read: int, spans: list[tuple[int, int]], text: str = TEXT) -> TokenLosses:
    """A token a character, up to `n_read`; those in the spans are response."""
    places = range(n_read)
    response = tuple(any(start <= place < end for start, end in spans) for place in places)
    no_losses = (None,) * n_read
    ends = tuple(place + 1 for place in places)
    return TokenLosses("s", text, tuple(places), tuple(places), ends, response, no_losses, no_losses)


SPANS = [(TEXT.index("First."), TEXT.index("First.") + 6), (TEXT.index("The"), len(TEXT))]
CONTENTS = ["Hi", "First.", "More?", "  The answer is 4.\n"]
SCORED = [False, True, False, True]


@pytest.mark.parametrize(
    ("n_read", "expected"),
    [
        (TEXT.index("answer"), ReadTo(3, 2 + len("The "))),
        (TEXT.index("<end>"), ReadTo(3, len(CONTENTS[3]))),
        (len(TEXT), ReadTo(3, len(CONTENTS[3]))),
        (TEXT.index("More"), ReadTo(1, 6)),
        (TEXT.index("rst."), ReadTo(1, 2)),
        (TEXT.index("First"), None),
    ],
    ids=["within the last", "its last character", "everything", "after the first", "within the first", "no response"],
)
def test_the_end_of_the_last_token_is_found_in_its_turn(n_read: int, expected: ReadTo | None):
    assert read_to(losses(n_read, SPANS), CONTENTS, SCORED) == expected


def test_reasoning_that_was_cut_leaves_nothing_of_the_content():
    text = "<user> 2+2? <assistant> <think>two and two</think>4.<end>"
    span = (text.index("<think>"), len(text))
    assert read_to(losses(text.index(" two</"), [span], text), ["2+2?", "4."], [False, True]) == ReadTo(1, 0)


def test_a_content_that_the_template_changed_is_not_guessed():
    assert read_to(losses(TEXT.index("answer"), SPANS), [*CONTENTS[:3], "Another text"], SCORED) == ReadTo(3, None)
    assert read_to(losses(TEXT.index("answer"), SPANS), [*CONTENTS[:3], ""], SCORED) == ReadTo(3, None)
