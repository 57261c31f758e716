"""The menu that moves the limits of the loss plane, for one domain or for all."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import number_field
from pages.components.learnability import limits
from pages.components.learnability.limits import DomainLimits

WIDTH = 460
HELP = (
    "**Learnable from** is the working cut on Select or, without one, the start of the domain's upper third. "
    "**Known below** is the domain's median base loss, in nats per response token."
)
SOURCES = {
    "cut": "at the working cut on Select",
    "third": "at the domain's upper third",
    "moved": "where you put it",
}


def show(placed: Sequence[DomainLimits]) -> None:
    """Draw the button with the menu; its fields hold the limits that stand."""
    n_moved = sum(one.source == "moved" or one.is_known_moved for one in placed)
    label = f"Limits · {n_moved} moved" if n_moved else "Limits"
    with st.popover(label, icon=":material/straighten:", key="learnability.limits-menu"), st.container(width=WIDTH):
        st.caption(HELP)
        _heads()
        if len(placed) > 1:
            _row("All domains", [one.domain for one in placed], None, key="all")
        for k, one in enumerate(placed):
            _row(one.domain, [one.domain], one, key=f"{k}")
        st.button(
            "Reset limits", icon=":material/undo:", key="learnability.limits-back", on_click=limits.move_back,
            disabled=not limits.moved(),
        )  # fmt: skip


def _heads() -> None:
    name, score, base = st.columns([2, 1.2, 1.2], vertical_alignment="bottom")
    name.caption("Domain")
    score.caption("Learnable from")
    base.caption("Known below, nats")


def _row(label: str, domains: list[str], one: DomainLimits | None, *, key: str) -> None:
    name, score, base = st.columns([2, 1.2, 1.2], vertical_alignment="center")
    name.text(label)
    _field(score, "learnable_from", label, domains, one.limits.learnable_from if one else None, key)
    _field(base, "known_below", label, domains, one.limits.known_below if one else None, key)


def _field(column: DeltaGenerator, which: str, label: str, domains: list[str], value: float | None, key: str) -> None:
    """One limit. What is typed moves it; the field then shows where the limit stands."""
    widget = f"learnability.w.{which}.{key}"
    st.session_state[widget] = value
    is_score = which == "learnable_from"

    def changed() -> None:
        if st.session_state[widget] is not None:
            limits.move(domains, **{which: st.session_state[widget]})

    with column:
        number_field.show(
            f"{'Learnable from' if is_score else 'Known below'}, {label}",
            key=widget,
            least=0 if is_score else None,
            most=1 if is_score else None,
            above=None if is_score else 0,
            decimals=3,
            placeholder="different",
            label_visibility="collapsed",
            on_change=changed,
        )


def sentence(placed: Sequence[DomainLimits]) -> str:
    """Where the limits of learnability come from, in words."""
    sources = {one.source for one in placed}
    if len(sources) == 1:
        return f"Learnable starts {SOURCES[sources.pop()]}."
    parts = [
        f"{SOURCES[source]} in {', '.join(one.domain for one in placed if one.source == source)}"
        for source in SOURCES
        if source in sources
    ]
    return f"Learnable starts {'; '.join(parts)}."
