"""The box that a person drew on any chart: kept in the session, counted, and carried to Browse in the URL."""

import math

import streamlit as st

from lobass_core.learnability.regions import Range
from lobass_core.workflows.browse_filter import range_text
from lobass_core.workflows.explore import Box
from pages.components import state, theme

KEY, CLEARED = "learnability.box", "learnability.n-cleared"
NAMES = {"score": "learnability", "base": "base", "reference": "reference", "tokens": "tokens"}


def box() -> Box:
    """The box that stands; an empty one holds every row."""
    return st.session_state.get(KEY, Box())


def clear() -> None:
    """Take the box off, on the chart too: Plotly lets go of its own only when the figure changes."""
    put(None)
    st.session_state[CLEARED] = n_cleared() + 1


def n_cleared() -> int:
    """How often the box was cleared; a figure that carries it changes with it."""
    return st.session_state.get(CLEARED, 0)


def put(chosen: Box | None) -> None:
    """Keep a box, or none."""
    if chosen is None or chosen == Box():
        st.session_state.pop(KEY, None)
    else:
        st.session_state[KEY] = chosen


def whole_tokens(limits: tuple[float, float] | None) -> Range:
    """The whole numbers within a brush over lengths."""
    return (None, None) if limits is None else (math.ceil(limits[0]), math.floor(limits[1]))


def limits(found: tuple[float, float] | None) -> Range:
    """A brush's limits as a range, open without one."""
    return found or (None, None)


def words(chosen: Box) -> str:
    """The box as a person would say it: "math · base 0.32 – 1.42"."""
    parts = list(chosen.domains)
    for field, name in NAMES.items():
        low, high = getattr(chosen, field)
        digits = 0 if field == "tokens" else 2
        if low is not None and high is not None:
            parts.append(f"{name} {theme.number(low, digits)} – {theme.number(high, digits)}")
        elif low is not None:
            parts.append(f"{name} from {theme.number(low, digits)}")
        elif high is not None:
            parts.append(f"{name} up to {theme.number(high, digits)}")
    return " · ".join(parts)


def query(chosen: Box, datasets: tuple[str, ...]) -> dict[str, str | list[str]]:
    """The box as the query parameters of Browse, with every digit, so that the link finds the rows counted here."""
    found: dict[str, str | list[str]] = {}
    if datasets:
        found["dataset"] = list(datasets)
    if chosen.domains:
        found["domain"] = list(chosen.domains)
    for field in NAMES:
        text = range_text(getattr(chosen, field))
        if text != "..":
            found[field] = text
    return found


def browse(chosen: Box) -> None:
    """Open Browse on the rows of a box."""
    state.go("browse", **query(chosen, state.chosen_datasets()))
