"""The filter as typed fields and as query parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobass_core.errors import RequestError
from lobass_core.workflows.browse_filter import BrowseFilter

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text(min_size=1, max_size=12)
LIMITS = st.tuples(st.none() | FINITE, st.none() | FINITE)
# A score column may have a name of several words, and of other letters.
MEASURES = st.sampled_from(["learnability", "loss-drop", "base-loss", "base-bits-per-byte", "quality", "Grüße, 7 %"])
WHOLE = st.integers(-(2**53), 2**53).map(float)
WHOLE_LIMITS = st.tuples(st.none() | WHOLE, st.none() | WHOLE)


@st.composite
def filters(draw: st.DrawFn) -> BrowseFilter:
    text = draw(st.text(max_size=20))
    return BrowseFilter(
        text=text,
        scope=draw(st.sampled_from(["any", "user", "assistant", "system"])) if text else "any",
        match_case=draw(st.booleans()) if text else False,
        datasets=tuple(draw(st.lists(NAMES, max_size=3))),
        domains=tuple(draw(st.lists(NAMES, max_size=3))),
        ranges=(*draw(st.dictionaries(MEASURES, LIMITS, max_size=4)).items(), ("length", draw(WHOLE_LIMITS))),
        statuses=tuple(draw(st.lists(st.sampled_from(["ok", "truncated", "not_scored"]), max_size=2))),
        flags=tuple(draw(st.lists(st.sampled_from(["negative", "short"]), max_size=2))),
        decisions=tuple(draw(st.lists(st.sampled_from(["keep", "drop"]), max_size=2))),
        in_selections=tuple(draw(st.lists(NAMES, max_size=2))),
        not_in_selections=tuple(draw(st.lists(NAMES, max_size=2))),
        tags=tuple(draw(st.lists(NAMES, max_size=3))),
        sort=draw(st.sampled_from(["", "score", "base", "tokens", "imported", "quality", "loss-drop-sum"])),
        descending=draw(st.sampled_from([None, True, False])),
    )


@given(filters())
def test_a_link_reads_back_as_the_same_filter(asked: BrowseFilter):
    assert BrowseFilter.from_query(asked.to_query()) == asked


def test_the_address_is_short_and_exact():
    limits = (("quality", (None, 3.0)), ("learnability", (0.30000000000000004, None)))
    asked = BrowseFilter(text="fish", domains=("math", "code"), ranges=limits, sort="base-loss")
    assert asked.to_query() == {
        "q": "fish",
        "domain": ["code", "math"],
        "score": "0.30000000000000004..",
        "range": ["quality:..3"],
        "sort": "base",
    }


def test_short_names_and_names_of_measures_mean_the_same():
    short = {"score": "0.1..", "drop": "..2", "base": "1", "reference": "1..2", "tokens": "3..9", "sort": "drop-asc"}
    named = ["learnability:0.1..", "loss-drop:..2", "base-loss:1", "reference-loss:1..2", "length:3..9"]
    asked = BrowseFilter.from_query(short)
    assert asked == BrowseFilter.from_query({"range": named, "sort": "loss-drop-asc"})
    assert dict(asked.ranges)["base-loss"] == (1.0, 1.0)
    assert (asked.sort, asked.descending) == ("loss-drop", False)


@pytest.mark.parametrize("text", ["quality", "quality:", "quality:..", ":1..2", "quality:low..high", "length:1.5..2"])
def test_a_range_without_a_name_or_limits_is_refused(text: str):
    with pytest.raises(RequestError):
        BrowseFilter.from_query({"range": [text]})


def test_ranges_are_set_and_taken_away_by_name():
    asked = BrowseFilter().with_range("quality", (1.0, None)).with_range("length", (9.0, 3.0))
    assert asked.ranges == (("length", (3.0, 9.0)), ("quality", (1.0, None)))
    assert (asked.within("length"), asked.within("base-loss")) == ((3.0, 9.0), None)
    assert asked.with_range("quality", None).with_range("length", (None, None)) == BrowseFilter()


def test_reversed_range_is_sorted_and_not_rounded():
    assert BrowseFilter.from_query({"score": "0.4..0.1234567890123"}).ranges == (
        ("learnability", (0.1234567890123, 0.4)),
    )


@pytest.mark.parametrize(
    ("text", "limits"),
    [("", None), ("..", None), ("3", (3.0, 3.0)), ("-2..-1", (-2.0, -1.0)), ("..4", (None, 4.0))],
)
def test_ranges_are_read(text: str, limits: tuple | None):
    assert BrowseFilter.from_query({"score": text}).within("learnability") == limits


def test_selections_are_named_one_by_one_in_the_address():
    asked = BrowseFilter(in_selections=("b, with <i>", "a"), not_in_selections=("c",))
    assert asked.to_query() == {"selection": ["a", "b, with <i>"], "without": ["c"]}
    assert BrowseFilter.from_query({"selection": "a"}) == BrowseFilter(in_selections=("a",))
    assert asked.without_selection("in_selections", "a") == BrowseFilter(
        in_selections=("b, with <i>",), not_in_selections=("c",)
    )
    assert asked.without_selection("not_in_selections", "c").not_in_selections == ()


def test_an_older_link_to_the_rows_outside_a_selection_still_means_them():
    assert BrowseFilter.from_query({"selection": "a", "side": "out"}) == BrowseFilter(not_in_selections=("a",))
    assert BrowseFilter.from_query({"selection": "a", "side": "in"}) == BrowseFilter(in_selections=("a",))


def test_a_range_open_at_both_ends_is_none():
    assert BrowseFilter.from_query({"tokens": ".."}) == BrowseFilter()


def test_values_in_another_order_are_the_same_filter():
    assert BrowseFilter(domains=("b", "a", "b")) == BrowseFilter(domains=("a", "b"))


@pytest.mark.parametrize(
    "query",
    [
        {"score": "low..high"},
        {"score": "nan..1"},
        {"in": "title"},
        {"side": "up"},
        {"status": ["fine"]},
        {"flag": "odd"},
        {"decision": "maybe"},
    ],
)
def test_what_cannot_be_meant_is_refused(query: dict):
    with pytest.raises(RequestError):
        BrowseFilter.from_query(query)


def test_without_takes_a_condition_away():
    asked = BrowseFilter(text="x", scope="user", domains=("math",), sort="base", descending=False)
    assert asked.without("text", "scope") == BrowseFilter(domains=("math",), sort="base", descending=False)
    assert asked.only_order() == BrowseFilter(sort="base", descending=False)
