"""Chips: one button for each restriction of a page's numbers; a click removes it.

chips.row("select", [Chip("at least 16 response tokens", "min-tokens", lambda: ...)])
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components import errors


@dataclass(frozen=True, slots=True)
class Chip:
    """`words` as they are shown, `key` unique on the page, and what a click does; None for what cannot be closed."""

    words: str
    key: str
    close: Callable[[], None] | None = None
    help: str = "Remove"


def row(name: str, chips: Sequence[Chip]) -> None:
    """Draw the chips on one line, or nothing; `name` is the page's.

    Their place stays where there are none: what follows would else be another element, drawn anew, twice for a while.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"{name}-chips"):
        for chip in chips:
            if chip.close is None:
                st.badge(errors.plain(chip.words), color="gray", help=chip.help)
                continue
            st.button(
                errors.plain(chip.words), icon=":material/close:", icon_position="right",
                key=f"{name}.chip.{chip.key}", help=chip.help, on_click=chip.close,
            )  # fmt: skip
