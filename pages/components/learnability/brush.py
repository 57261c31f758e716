"""The range that a person brushed on a chart, as a filter of Browse: counted here, opened there."""

import dataclasses
import math
from collections.abc import Collection, Mapping

import streamlit as st

from lobass_core.learnability.measures import BUILT_IN, label_of
from lobass_core.learnability.regions import Range
from lobass_core.workflows.browse_filter import BrowseFilter
from pages.components import state, theme

KEY, CLEARED = "learnability.box", "learnability.n-cleared"


def box() -> BrowseFilter:
    """The filter that stands; an open one holds every row."""
    return st.session_state.get(KEY, BrowseFilter())


def of_measures(known: Collection[str]) -> BrowseFilter:
    """The filter that stands, without ranges of measures that are gone."""
    ranges = tuple(one for one in box().ranges if one[0] in known)
    if ranges != box().ranges:
        put(dataclasses.replace(box(), ranges=ranges))
    return box()


def clear() -> None:
    """Take the box off, on the chart too: Plotly lets go of its own only when the figure changes."""
    put(None)
    st.session_state[CLEARED] = n_cleared() + 1


def n_cleared() -> int:
    """How often the box was cleared; a figure that carries it changes with it."""
    return st.session_state.get(CLEARED, 0)


def put(chosen: BrowseFilter | None) -> None:
    """Keep a filter, or none."""
    if chosen is None or chosen.is_open:
        st.session_state.pop(KEY, None)
    else:
        st.session_state[KEY] = chosen


def drawn(limits: Mapping[str, tuple[float, float] | None], domains: tuple[str, ...] = ()) -> BrowseFilter:
    """The filter of a brush: limits by measure, None where none was drawn; of a count the whole numbers within."""
    ranges = tuple((name, _whole(name, pair)) for name, pair in limits.items() if pair)
    return BrowseFilter(domains=domains, ranges=ranges)


def _whole(name: str, limits: tuple[float, float]) -> Range:
    if not (name in BUILT_IN and BUILT_IN[name].is_whole):
        return limits
    low, high = math.ceil(limits[0]), math.floor(limits[1])
    # A brush between two whole numbers means the nearest.
    return (low, high) if low <= high else (round(sum(limits) / 2),) * 2


def words(chosen: BrowseFilter) -> str:
    """The filter as a person would say it: "math · base loss 0.32 – 1.42"."""
    parts = list(chosen.domains)
    for measure, (low, high) in chosen.ranges:
        name = label_of(measure)
        digits = 0 if measure in BUILT_IN and BUILT_IN[measure].is_whole else 2
        if low is not None and high is not None:
            parts.append(f"{name} {theme.number(low, digits)} – {theme.number(high, digits)}")
        elif low is not None:
            parts.append(f"{name} from {theme.number(low, digits)}")
        elif high is not None:
            parts.append(f"{name} up to {theme.number(high, digits)}")
    return " · ".join(parts)


def query(chosen: BrowseFilter, datasets: tuple[str, ...]) -> dict[str, str | list[str]]:
    """The filter as the query parameters of Browse, with every digit, so that the link finds the rows counted here."""
    return dataclasses.replace(chosen, datasets=datasets).to_query()


def browse(chosen: BrowseFilter) -> None:
    """Open Browse on the rows of a filter."""
    state.go("browse", **query(chosen, state.chosen_datasets()))
