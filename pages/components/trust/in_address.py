"""The selection that the Trust page looks at, as a parameter of its address: /trust?selection=paper-6"""

from collections.abc import Sequence

import streamlit as st

from pages.components import address

SELECTION = "trust.selection"
NAMES = ("selection",)


def follow(saved: Sequence[str]) -> None:
    """Take over what the address asks for, where somebody came by it; a selection that is gone is left."""
    asked = address.asked(NAMES)
    if asked is not None:
        st.session_state[SELECTION] = address.one(asked, "selection", saved)
    if st.session_state.get(SELECTION) not in ("", *saved):
        st.session_state[SELECTION] = ""


def write(selection: str) -> None:
    """Make the address that of what is shown."""
    address.write({"selection": selection} if selection else {}, NAMES)
