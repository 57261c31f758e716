"""The filter as typed fields and as query parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lobass_core.errors import RequestError
from lobass_core.workflows.browse_filter import BrowseFilter

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text(min_size=1, max_size=12)
LIMITS = st.none() | st.tuples(st.none() | FINITE, st.none() | FINITE)
WHOLE = st.integers(-(2**53), 2**53).map(float)
WHOLE_LIMITS = st.none() | st.tuples(st.none() | WHOLE, st.none() | WHOLE)


@st.composite
def filters(draw: st.DrawFn) -> BrowseFilter:
    text = draw(st.text(max_size=20))
    return BrowseFilter(
        text=text,
        scope=draw(st.sampled_from(["any", "user", "assistant", "system"])) if text else "any",
        match_case=draw(st.booleans()) if text else False,
        datasets=tuple(draw(st.lists(NAMES, max_size=3))),
        domains=tuple(draw(st.lists(NAMES, max_size=3))),
        score=draw(LIMITS),
        base_loss=draw(LIMITS),
        reference_loss=draw(LIMITS),
        tokens=draw(WHOLE_LIMITS),
        statuses=tuple(draw(st.lists(st.sampled_from(["ok", "truncated", "not_scored"]), max_size=2))),
        flags=tuple(draw(st.lists(st.sampled_from(["negative", "short"]), max_size=2))),
        decisions=tuple(draw(st.lists(st.sampled_from(["keep", "drop"]), max_size=2))),
        in_selections=tuple(draw(st.lists(NAMES, max_size=2))),
        not_in_selections=tuple(draw(st.lists(NAMES, max_size=2))),
        tags=tuple(draw(st.lists(NAMES, max_size=3))),
        sort=draw(st.sampled_from(["", "score", "base", "tokens", "imported"])),
        descending=draw(st.sampled_from([None, True, False])),
    )


@given(filters())
def test_a_link_reads_back_as_the_same_filter(asked: BrowseFilter):
    assert BrowseFilter.from_query(asked.to_query()) == asked


def test_the_address_is_short_and_exact():
    asked = BrowseFilter(text="fish", domains=("math", "code"), score=(0.30000000000000004, None), sort="base")
    assert asked.to_query() == {
        "q": "fish",
        "domain": ["code", "math"],
        "score": "0.30000000000000004..",
        "sort": "base",
    }


def test_reversed_range_is_sorted_and_not_rounded():
    assert BrowseFilter.from_query({"score": "0.4..0.1234567890123"}).score == (0.1234567890123, 0.4)


@pytest.mark.parametrize(
    ("text", "limits"),
    [("", None), ("..", None), ("3", (3.0, 3.0)), ("-2..-1", (-2.0, -1.0)), ("..4", (None, 4.0))],
)
def test_ranges_are_read(text: str, limits: tuple | None):
    assert BrowseFilter.from_query({"score": text}).score == limits


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
    assert BrowseFilter.from_query({"tokens": ".."}).tokens is None


def test_values_in_another_order_are_the_same_filter():
    assert BrowseFilter(domains=("b", "a", "b")) == BrowseFilter(domains=("a", "b"))


@pytest.mark.parametrize(
    "query",
    [
        {"score": "low..high"},
        {"score": "nan..1"},
        {"in": "title"},
        {"side": "up"},
        {"sort": "beauty"},
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
