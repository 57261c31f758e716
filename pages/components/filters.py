"""The filter of Browse: kept in the session and the address, changed by widgets and chips.

    asked = filters.current()            # read from the address when a link or Back changed it
    filters.toolbar(asked, choices, rows)  # search, scope, the filter menu, the sort
    filters.chips(asked)                 # one a condition; a click takes it away

Widgets never hold the truth: before they are drawn they are given the filter's values, and a change makes a new filter.
"""

import dataclasses
from collections.abc import Callable, Sequence

import streamlit as st

from lobass_core.errors import RequestError
from lobass_core.learnability.flags import FLAG_NAMES
from lobass_core.learnability.measures import Measure
from lobass_core.workflows.browse import Choices
from lobass_core.workflows.browse_filter import PARAMETERS, BrowseFilter, Range
from lobass_core.workflows.row_order import sort_of
from lobass_core.workflows.row_table import RowTable
from pages.components import address, errors, number_field, state
from pages.components.filter_words import conditions

FILTER, WRITTEN, TROUBLE = "browse.filter", "browse.written", "browse.trouble"
PLACE = ("page", "row")
MENU_WIDTH = 600
SCOPES = {"any": "any text", "user": "user", "assistant": "assistant", "system": "system"}
OTHER_SORTS = {"imported": "Import order", "cut": "Distance from the cut"}
# Measures whose ranges the menu has from the start; the others are added to it.
FIRST_RANGES = ("learnability", "base-loss", "reference-loss", "length")
MOST_FIRST = 4
MORE_RANGES, ADD_RANGE = "browse.more-ranges", "browse.add-range"
SELECTION_WORDS = {"in_selections": "In all of these selections", "not_in_selections": "In none of these selections"}
STATUS_WORDS = {
    "ok": "ok",
    "truncated": "truncated",
    "no_response": "no response",
    "non_finite": "not finite",
    "not_scored": "not scored",
}
FLAG_WORDS = {name: name.replace("_", " ") for name in FLAG_NAMES.values()}


def current() -> BrowseFilter:
    """The filter that holds now: the address's where it led here, else the session's.

    The link in the navigation names no filter and finds the last one again; Back to an address without one empties it.
    """
    asked = {name: st.query_params.get_all(name) for name in PARAMETERS if st.query_params.get_all(name)}
    leads = address.leads() and (asked or address.is_back())
    if FILTER not in st.session_state or (leads and asked != st.session_state.get(WRITTEN)):
        _adopt(asked)
    elif asked != st.session_state.get(WRITTEN):
        write_address(st.session_state[FILTER])
    return st.session_state[FILTER]


def _adopt(asked: dict[str, list[str]]) -> None:
    try:
        adopted = BrowseFilter.from_query(asked)
    except RequestError as error:
        # An old or mistyped link: say so, and show everything rather than nothing.
        st.session_state[TROUBLE] = error
        adopted = BrowseFilter()
    st.session_state[FILTER] = adopted
    st.session_state[WRITTEN] = asked


def put(asked: BrowseFilter) -> None:
    """Make this the filter, in the session and in the address; the place in the list starts anew."""
    st.session_state.pop(TROUBLE, None)
    st.session_state[FILTER] = asked
    write_address(asked)


def write_address(asked: BrowseFilter) -> None:
    """Write the filter into the address as one step of the browser's history; other parameters stay."""
    query = {name: [value] if isinstance(value, str) else list(value) for name, value in asked.to_query().items()}
    st.session_state[WRITTEN] = query
    # An empty list writes nothing, so removing and setting is one message and one entry for Back.
    st.query_params.update({name: query.get(name, []) for name in (*PARAMETERS, *PLACE)})


def place_in_address() -> tuple[int, int | None]:
    """Page and row key that a link names; page 1 and None otherwise."""
    page, row = (st.query_params.get(name, "") for name in PLACE)
    return (max(1, int(page)) if page.isdecimal() else 1), (int(row) if row.isdecimal() else None)


def toolbar(asked: BrowseFilter, choices: Choices, rows: RowTable) -> None:
    """Search, scope, filters and sort, as widgets of the row that is open; `rows` are those that are listed."""
    _text_input(asked)
    _choice("in", "Search in", list(SCOPES), asked.scope, SCOPES.__getitem__, _change("scope"), width=104)
    n_set = len(conditions(asked.without("text")))
    with st.popover(f"Filters · {n_set}" if n_set else "Filters", icon=":material/filter_list:", key="browse.filters"):
        _menu(asked, choices, rows.is_scored)
    words = {one.name: one.title for one in choices.measures} | OTHER_SORTS
    sorts = [name for name in words if name != "cut" or asked.cuts]
    sort, down = sort_of(rows, asked)
    _choice("sort", "Sort by", sorts, sort, words.__getitem__, lambda: _change_sort(sort, choices.measures), width=148)
    st.button(
        "Highest first" if down else "Lowest first",
        icon=":material/arrow_downward:" if down else ":material/arrow_upward:",
        key="browse.direction",
        help="Highest first; click for lowest first" if down else "Lowest first; click for highest first",
        on_click=lambda: put(dataclasses.replace(st.session_state[FILTER], sort=sort, descending=not down)),
    )


def _text_input(asked: BrowseFilter) -> None:
    state.put("browse.w.q", asked.text)
    st.text_input(
        "Search",
        key="browse.w.q",
        placeholder="Search text",
        icon=":material/search:",
        type="search",
        label_visibility="collapsed",
        width=230,
        max_chars=2000,
        on_change=_change("text", "browse.w.q"),
    )


def _choice(
    name: str, label: str, options: Sequence[str], value: str, words: Callable[[str], str],
    on_change: Callable[[], None], *, width: int,
) -> None:  # fmt: skip
    key = f"browse.w.{name}"
    state.put(key, value)
    st.selectbox(
        label, options, key=key, format_func=words, label_visibility="collapsed", width=width, on_change=on_change
    )


def _change(field: str, key: str = "") -> Callable[[], None]:
    """A callback that puts a widget's value into a field of the filter."""
    widget = key or f"browse.w.{'in' if field == 'scope' else field}"

    def changed() -> None:
        value = st.session_state[widget]
        value = tuple(value) if isinstance(value, list) else value or _default(field)
        _put_if_new(dataclasses.replace(st.session_state[FILTER], **{field: value}))

    return changed


def _put_if_new(asked: BrowseFilter) -> None:
    """After a visit to another page that was cut short Streamlit reports widgets as changed that nobody touched."""
    if asked != st.session_state[FILTER]:
        put(asked)


def _change_sort(shown: str, measures: Sequence[Measure]) -> None:
    chosen = st.session_state["browse.w.sort"]
    if chosen != shown:
        # Another measure starts from its natural end.
        upward = any(one.name == chosen and not one.higher_is_better for one in measures)
        put(dataclasses.replace(st.session_state[FILTER], sort=chosen, descending=False if upward else None))


def _default(field: str) -> object:
    return next(item.default for item in dataclasses.fields(BrowseFilter) if item.name == field)


def _menu(asked: BrowseFilter, choices: Choices, is_scored: bool) -> None:
    has_numbers = is_scored or any(one.is_column for one in choices.measures)
    with st.container(width=MENU_WIDTH if has_numbers else MENU_WIDTH // 2):
        left, right = st.columns(2, gap="medium") if has_numbers else (st.container(), None)
    with left:
        if len(choices.domains) > 1:
            _several("domains", "Domain", choices.domains, asked)
        if len(choices.datasets) > 1:
            _several("datasets", "Dataset", choices.datasets, asked)
        _pills("decisions", "Decision", ("keep", "drop", "undecided"), asked)
        if choices.tags:
            _several("tags", "Tag", [name for name, _ in choices.tags], asked)
        if choices.selections:
            for field, label in SELECTION_WORDS.items():
                _several(field, label, choices.selections, asked, empty="choose")
        state.put("browse.w.match_case", asked.match_case)
        st.toggle("Match case", key="browse.w.match_case", on_change=_change("match_case"))
    if right is not None:
        with right:
            _range_rows(asked, choices.measures)
            if is_scored:
                _several("statuses", "Status", list(STATUS_WORDS), asked, STATUS_WORDS.__getitem__)
            _several("flags", "Flags", list(FLAG_WORDS), asked, FLAG_WORDS.__getitem__)


def _several(
    field: str, label: str, options: Sequence[str], asked: BrowseFilter, words: Callable[[str], str] = str,
    *, empty: str = "any",
) -> None:  # fmt: skip
    key = f"browse.w.{field}"
    # A name that is gone stays an option, so that it can be taken out.
    known = [*options, *(name for name in getattr(asked, field) if name not in options)]
    state.put(key, list(getattr(asked, field)))
    st.multiselect(label, known, key=key, format_func=words, placeholder=empty, on_change=_change(field))


def _pills(field: str, label: str, options: Sequence[str], asked: BrowseFilter) -> None:
    key = f"browse.w.{field}"
    state.put(key, list(getattr(asked, field)))
    st.pills(label, options, selection_mode="multi", key=key, on_change=_change(field))


def _range_rows(asked: BrowseFilter, measures: Sequence[Measure]) -> None:
    """A row for each measure that stands in the menu, was asked for or has a range; a box adds others."""
    names = [measure.name for measure in measures]
    # Without losses the first score columns stand there.
    first = set(FIRST_RANGES).intersection(names) or names[:MOST_FIRST]
    wanted = {*first, *st.session_state.get(MORE_RANGES, ()), *(name for name, _ in asked.ranges)}
    for measure in measures:
        if measure.name in wanted:
            _range_row(measure, asked.within(measure.name))
    titles = {one.name: one.title for one in measures if one.name not in wanted}
    if titles:
        st.selectbox(
            "Another measure", list(titles), index=None, key=ADD_RANGE, format_func=titles.__getitem__,
            placeholder="Another measure", label_visibility="collapsed", on_change=_add_range,
        )  # fmt: skip


def _add_range() -> None:
    chosen = st.session_state[ADD_RANGE]
    if chosen:
        st.session_state[MORE_RANGES] = (*st.session_state.get(MORE_RANGES, ()), chosen)
    st.session_state[ADD_RANGE] = None


def _range_row(measure: Measure, limits: Range | None) -> None:
    low, high = limits or (None, None)
    keys = f"browse.w.{measure.name}.low", f"browse.w.{measure.name}.high"
    st.session_state[keys[0]], st.session_state[keys[1]] = low, high

    def changed() -> None:
        values = tuple(st.session_state[key] for key in keys)
        _put_if_new(st.session_state[FILTER].with_range(measure.name, values))

    words = measure.with_unit
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"):
        for key, end in zip(keys, ("from", "to"), strict=True):
            # The name of the measure stands over the pair, the second label only keeps the fields level.
            number_field.show(
                words if end == "from" else f"{words}, to", key=key, placeholder=end, whole=measure.is_whole,
                on_change=changed,
                label_visibility="visible" if end == "from" else "collapsed",
            )  # fmt: skip


def chips(asked: BrowseFilter) -> None:
    """What is asked, one button a condition; a click takes it away."""
    shown = conditions(asked)
    if not shown:
        return
    with st.container(horizontal=True, gap="xsmall", key="browse-chips"):
        for words, key, rest in shown:
            st.button(
                errors.plain(words),
                icon=":material/close:",
                icon_position="right",
                key=f"browse.chip.{key}",
                help="Remove this filter",
                on_click=lambda rest=rest: put(rest(st.session_state[FILTER])),
            )
        if len(shown) > 1:
            st.button("Clear all", type="tertiary", key="browse.chip.all", on_click=lambda: put(asked.only_order()))
