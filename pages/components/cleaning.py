"""The line of Overview that shows how much space can be freed, and the dialog that frees it, or a part of it."""

from collections.abc import Sequence

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.words.plural import plural
from lobass_core.workflows import clean as workflow
from lobass_core.workflows.clean import Cleanable, Kind
from pages.components import command_line, errors, parts, theme, view
from pages.components.view import Node, el

# Less than this is not worth a line.
SHOWN_BYTES = 100_000_000
CLICK = "clean"
SHOWN_ITEMS = 200
WORDS = {
    "run": "Run",
    "self-test": "Self-test",
    "model": "Model",
    "arm": "Experiment",
    "export": "Export",
    "copy": "Copy of the store",
    "upload": "Upload",
    "leftover": "Leftover",
    "store": "Free pages",
}


def line(project: Project, revision: str) -> Node | None:
    """How much can be freed, as a link; nothing where it is little, or where the project can only be read."""
    if project.is_read_only:
        return None
    try:
        items = workflow.recently_cleanable(project, revision)
    except LobassError:
        return None
    n_bytes = sum(item.n_bytes for item in items)
    if n_bytes < SHOWN_BYTES:
        return None
    return el("div", parts.link(f"{theme.byte_size(n_bytes)} can be freed", on=CLICK), cls="muted more")


@st.dialog("Free space", width="large")
def dialog(project: Project, kinds: Sequence[Kind] = workflow.KINDS) -> None:
    """Everything of these kinds that can go, with its size and the reason; removed on a click."""
    items: list[Cleanable] = []
    with errors.shown():
        items = [item for item in workflow.cleanable(project) if item.kind in kinds]
    if not items:
        st.caption("Nothing to remove: the project needs all of its files.")
        return
    st.caption("The project does not need these. Losses, decisions and selections stay, and runs can still be resumed.")
    view.show([_table(items)], key="overview-clean-table")
    with_models = any(item.kind in workflow.TRAINED for item in items) and st.checkbox(
        "Also remove trained models and arms",
        key="overview.clean_models",
        help="You would have to train them again to get them back.",
    )
    chosen = [item for item in items if item.kind not in workflow.TRAINED or with_models]
    n_bytes = theme.byte_size(sum(item.n_bytes for item in chosen))
    with st.container(horizontal=True):
        if st.button(
            f"Remove {plural(len(chosen), 'item')}, {n_bytes}",
            type="primary",
            disabled=not chosen,
            key="overview-clean",
        ):
            with errors.shown():
                _remove(project, chosen)
    only = [] if tuple(kinds) == workflow.KINDS else [["--only", ",".join(kinds)]]
    st.code(command_line.plain("clean", project.root, *only), language="bash")


def _remove(project: Project, chosen: Sequence[Cleanable]) -> None:
    cleaned = workflow.clean(project, chosen)
    for path, reason in cleaned.stayed:
        st.warning(errors.plain(f"{path} stays: {reason}"))
    if not cleaned.stayed:
        st.toast(f"Freed {theme.byte_size(cleaned.n_bytes)}")
        st.rerun()


def _table(items: Sequence[Cleanable]) -> Node:
    columns = [
        parts.Column("What", 130),
        parts.Column("Where", 250),
        parts.Column("Size", 80, numeric=True),
        parts.Column("Reason"),
    ]
    rows = [
        [
            WORDS[item.kind],
            el("span", item.path, cls="mono", title=item.path),
            theme.byte_size(item.n_bytes),
            item.reason,
        ]
        for item in items[:SHOWN_ITEMS]
    ]
    more = el("div", f"and {len(items) - SHOWN_ITEMS:,} more", cls="muted more") if items[SHOWN_ITEMS:] else None
    return el("div", parts.table(columns, rows, label="Removable items"), more, cls="tall")
