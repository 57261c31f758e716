"""Options for reading a file that its rows alone do not decide: skipped lines, lists, speakers, pictures."""

import ast
import re
from typing import get_args

import streamlit as st

from lobass_core.records import Role
from lobass_core.workflows import import_data as workflow
from pages.components import number_field, parts, theme, view
from pages.components.importing import draft
from pages.components.view import el

MAX_SPEAKERS = 8
_UNKNOWN = re.compile(r"has the unknown role (['\"].*['\"])$", re.DOTALL)
_WITH_MEDIA = "besides its text"


def file_options() -> None:
    """Lines above the header, and the list to read of a JSON object that has several."""
    number_field.show(
        "Lines to skip", key=draft.SKIP_LINES, whole=True, least=0, otherwise=0,
        help="Lines above the header or the first record, such as titles and comments",
    )  # fmt: skip
    st.text_input(
        "List of rows", key=draft.ROW_LIST, placeholder="all, named in a column split",
        help="Which list to read from a JSON object with several, such as train and test", persist_state="session",
    )  # fmt: skip
    if st.session_state.get(draft.WHOLE) or st.session_state.get(draft.HUB):
        st.text_input("Split", key=draft.SPLIT, placeholder="all, named in a column split", persist_state="session")
        st.text_input("Config", key=draft.CONFIG, placeholder="the README's default, or all", persist_state="session")
        st.text_input("Files to skip", key=draft.EXCLUDE, placeholder="*.csv notes.jsonl", persist_state="session")


def row_options(scan: workflow.FileScan | None) -> None:
    """Roles for speakers that no format knows, and text without its pictures: where a row of the file asks for it."""
    if scan is None:
        return
    speakers = _speakers(scan)
    if speakers:
        view.show(parts.heading("Unknown speakers", "their rows are rejected"), key="import-speakers-title")
        for name in speakers:
            st.selectbox(
                f"{name} →".replace("`", ""), get_args(Role), index=None, key=draft.role_key(name),
                placeholder="rejected", persist_state="session",
            )  # fmt: skip
    n_with_media = sum(n for reason, n in scan.reasons.items() if _WITH_MEDIA in reason)
    if n_with_media or st.session_state.get(draft.TEXT_ONLY):
        note = f"{theme.count(n_with_media)} rows" if n_with_media else _dropped(scan)
        view.show(el("div", parts.heading("Images, videos and audio", note), cls="stack"), key="import-media-title")
        st.checkbox("Import the text only", key=draft.TEXT_ONLY, persist_state="session")


def _dropped(scan: workflow.FileScan) -> str:
    return f"{workflow.counted(scan.dropped_media)} left out" if scan.dropped_media else "none in this file"


def _speakers(scan: workflow.FileScan) -> list[str]:
    """Unknown speakers of the rejected rows, and those that were given a role already; the most frequent first."""
    unknown = [_spoken(match[1]) for reason in scan.reasons if (match := _UNKNOWN.search(reason))]
    named = [name for name, _ in draft.chosen_roles()]
    speakers = list(dict.fromkeys([*named, *(name for name in unknown if name)]))[:MAX_SPEAKERS]
    st.session_state[draft.SPEAKERS] = speakers
    return speakers


def _spoken(shown: str) -> str:
    """The speaker that a reject's reason shows; "" for one that was cut."""
    try:
        name = ast.literal_eval(shown)
    except (ValueError, SyntaxError):
        return ""
    return name if isinstance(name, str) and len(name) < workflow.MAX_SHOWN_ROLE else ""
