"""A field for a number with a decimal comma or point; text that is no number is marked and changes nothing.

    n = number_field.show("Minimum response tokens", key="select.gate-tokens", whole=True, least=0)

The session holds the number under `key`, where pages and tests may set it; the text is a widget of its own,
`key` + ".typed". `st.number_input` leaves the reading to the browser, and an English one takes 0,5 for 5.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import streamlit as st

from lobass_core.words.typed_numbers import NotANumber, read_number
from pages.components import state

TYPED, WRONG = ".typed", ".wrong"
_FOLDER = Path(__file__).parent
_MARK = st.components.v2.component(
    "lobass_wrong_number",
    html='<div class="wrong" role="alert"></div>',
    css=(_FOLDER / "mark.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in ("../when_gone.js", "mark.js")),
)


def show(
    label: str, *, key: str, whole: bool = False, least: float | None = None, most: float | None = None,
    above: float | None = None, otherwise: float | None = None, decimals: int | None = None,
    placeholder: str = "", help: str | None = None,
    label_visibility: Literal["visible", "hidden", "collapsed"] = "visible",
    width: int | Literal["stretch"] = "stretch", on_change: Callable[[], None] | None = None,
    reads: Callable[[str], float] | None = None,
) -> float | None:  # fmt: skip
    """Draw the field and return its number, an int where `whole`; an empty field is `otherwise`.

    `decimals` rounds what is shown and not the number, which changes only when something else is typed.
    `on_change` runs before the page does, and only for a number that is one. `reads` takes the place of the limits.
    """
    typed = key + TYPED
    number = _held(key, otherwise)
    words, before = st.session_state.get(key + WRONG, ("", number))
    wrong = words if before == number else ""
    if not wrong:
        # What is right, or was put under the key from elsewhere, takes the place of what was typed.
        st.session_state.pop(key + WRONG, None)
        state.put(typed, text_of(number, decimals))

    read = reads or partial(read_number, whole=whole, least=least, most=most, above=above)

    def take() -> None:
        text = str(st.session_state.get(typed) or "").strip()
        try:
            entered = read(text) if text else otherwise
        except NotANumber as error:
            st.session_state[key + WRONG] = (str(error), _held(key, otherwise))
            return
        st.session_state.pop(key + WRONG, None)
        st.session_state[key] = int(entered) if whole and entered is not None else entered
        if on_change:
            on_change()

    st.text_input(
        label, key=typed, placeholder=placeholder or None, help=help, width=width,
        label_visibility=label_visibility, on_change=take,
    )  # fmt: skip
    if wrong:
        # Streamlit names the element's class after the key.
        field = "st-key-" + re.sub(r"[^A-Za-z0-9_-]", "-", typed)
        _MARK(key=key + WRONG + "-mark", data={"words": wrong, "field": field}, height="content")
    return number


def _held(key: str, otherwise: float | None) -> float | None:
    held: float | None = st.session_state.get(key)
    return otherwise if held is None else held


def text_of(number: float | None, decimals: int | None = None) -> str:
    """The number as the field shows it, without separators between thousands; empty for none."""
    if number is None or isinstance(number, int):
        return "" if number is None else str(number)
    return f"{number:.15g}" if decimals is None else f"{number:.{decimals}f}"
