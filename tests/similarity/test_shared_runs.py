"""Exactly the rows that hold thirteen words of an evaluation file in a row."""

from hypothesis import given
from hypothesis import strategies as st

from lobass_core.similarity.shared_runs import SharedRun, shared_runs

QUESTION = "Anna has 3 apples and buys 4 more at the market; how many apples does she have now in all?"
WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=12)


def test_a_run_of_thirteen_words_is_found_whatever_case_and_punctuation():
    thirteen = "has 3 apples and buys 4 more at the market how many apples"
    row = f"Once upon a time ANNA {thirteen.upper().replace(' ', ',  ')}!"
    (found,) = shared_runs(["nothing here", row], ["other", QUESTION])
    assert found == SharedRun(1, 1, "anna has 3 apples and buys 4 more at the market how many")


def test_twelve_words_are_none():
    words = QUESTION.lower().replace(";", "").replace("?", "").split()
    assert shared_runs([" ".join(words[:12]) + " or else"], [QUESTION]) == []
    assert len(shared_runs([" ".join(words[:13]) + " or else"], [QUESTION])) == 1
    # A number changed in the middle leaves runs of eleven and eight words.
    assert shared_runs([QUESTION.replace("how", "so how").replace("buys 4", "buys 9")], [QUESTION]) == []


def test_short_texts_match_as_a_whole_only():
    assert shared_runs(["Yes.", "yes", "yes it is", ""], ["YES!", "?"]) == [
        SharedRun(0, 0, "yes"),
        SharedRun(1, 0, "yes"),
    ]


def test_planted_rows_are_found_and_no_others():
    pool = [f"Question {n}: what is {n} plus {n * 3}, if you add {n} apples to {n * 3} pears?" for n in range(200)]
    tested = [
        f"Problem {n}. A train goes {n} miles in {n + 1} hours; how fast does it go, on average?" for n in range(50)
    ]
    planted = {7: tested[3], 40: f"Q: {tested[9]} A: fast", 111: tested[49].upper()}
    texts = [planted.get(row, text) for row, text in enumerate(pool)]
    assert [(one.row, one.other) for one in shared_runs(texts, tested)] == [(7, 3), (40, 9), (111, 49)]


@given(WORDS, WORDS, st.lists(st.sampled_from("xyz"), min_size=5, max_size=8))
def test_a_planted_run_is_found_anywhere(before, after, run):
    text = " ".join([*before, *run, *after])
    found = shared_runs([text], [" ".join(["q", *run, "r"])], n_words=len(run))
    assert len(found) == 1 and found[0].words in text
