"""A page with nothing to show yet: why, and a button to the step before.

if not scorings:
    empty.show("No scores yet", "Selecting rows needs scores.", action=("Score the data", "score"))
    st.stop()
"""

import streamlit as st

from pages.components import state, view
from pages.components.view import el


def show(title: str, text: str, *, action: tuple[str, str] | None = None, key: str = "empty") -> None:
    """Draw the state; `action` is (label, page name)."""
    st.space("large")
    with st.container(horizontal_alignment="center", key=f"{key}-state", gap="small"):
        view.show(
            el("div", el("h1", title), el("p", text, cls="muted"), cls="stack", style={"text-align": "center"}),
            key=f"{key}-text",
        )
        if action and st.button(action[0], type="primary", icon=":material/arrow_forward:", key=f"{key}-action"):
            state.go(action[1])
