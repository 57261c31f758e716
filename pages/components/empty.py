"""A page with nothing to show yet: why, and a button to the step before.

if not around.has_measures:
    empty.no_scores("Rows are selected by their scores.", around.datasets)
    st.stop()
"""

from collections.abc import Collection

import streamlit as st

from pages.components import state, view
from pages.components.view import el

IMPORT_DATA = ("Import data", "import")
SCORE = ("Score the data", "score")
IMPORT_SCORES = ("Import scores", "import")


def no_scores(why: str, datasets: Collection[object]) -> None:
    """Say that a project has neither losses nor score columns, with the ways to either; first of all to data."""
    if not datasets:
        show("No scores yet", f"{why} Import data first.", action=IMPORT_DATA)
        return
    show("No scores yet", f"{why} Compute them with two models, or import scores that you have.", action=SCORE,
         other=IMPORT_SCORES)  # fmt: skip


def show(
    title: str, text: str, *, action: tuple[str, str] | None = None, other: tuple[str, str] | None = None,
    key: str = "empty",
) -> None:  # fmt: skip
    """Draw the state; `action` is (label, page name), and so is `other`, a second way."""
    st.space("large")
    with st.container(horizontal_alignment="center", key=f"{key}-state", gap="small"):
        view.show(
            el("div", el("h1", title), el("p", text, cls="muted"), cls="stack", style={"text-align": "center"}),
            key=f"{key}-text",
        )
        if action and st.button(action[0], type="primary", icon=":material/arrow_forward:", key=f"{key}-action"):
            state.go(action[1])
        if other and st.button(other[0], key=f"{key}-other"):
            state.go(other[1])
