"""The first line of every page: title or pickers left; Command and the primary button right.

from pages.components import toolbar

left, right = toolbar.toolbar("import")
with left:
    toolbar.title("alpaca-gsm8k", "base Llama-2-7B · 2.1 GB")      # or native pickers, label_visibility="collapsed"
with right:
    command_line.popover(command_line.import_file(project, spec))
    if toolbar.primary("Import 51,974 rows", ":material/download:", key="import-go"):
        ...
"""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import parts, view


def toolbar(key: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Two rows of widgets on one line; `key` names them for the page."""
    line = st.container(
        key=f"{key}-toolbar",
        horizontal=True,
        vertical_alignment="center",
        horizontal_alignment="distribute",
        gap="small",
    )
    left = line.container(
        key=f"{key}-toolbar-left",
        horizontal=True,
        vertical_alignment="center",
        gap="xsmall",
        width="stretch",
        wrap=False,
    )
    right = line.container(
        key=f"{key}-toolbar-right",
        horizontal=True,
        horizontal_alignment="right",
        vertical_alignment="center",
        gap="xsmall",
        width="content",
        wrap=False,
    )
    return left, right


def title(text: str, note: str = "", *, badge: view.Node | None = None, key: str = "toolbar-title") -> None:
    """The page's title with a muted note, level with the buttons (a markdown heading would sit low)."""
    view.show(parts.title(text, note, badge=badge), key=key)


def primary(
    label: str, icon: str, *, key: str, disabled: bool = False, help: str | None = None,
    on_click: Callable[[], None] | None = None,
) -> bool:  # fmt: skip
    """The one button that the page is for; its label says what it will do, with the number."""
    return st.button(label, icon=icon, type="primary", key=key, disabled=disabled, help=help, on_click=on_click)
