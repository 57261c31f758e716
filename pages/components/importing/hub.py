"""A dataset of the Hub, typed as `org/name`: fetched when asked, then read like a folder."""

from pathlib import Path

import streamlit as st

from lobass_core.workflows.hub_dataset import fetch_dataset, is_hub_id
from pages.components import errors, parts, server_paths, view
from pages.components.importing import draft


def named(typed: str) -> bool:
    """Whether the typed path names a dataset of the Hub, and no file or folder of this server."""
    return is_hub_id(typed) and not (server_paths.start_folder() / typed).exists()


def fetched(typed: str) -> Path | None:
    """The id once its dataset is here; before that the button that fetches it, and None."""
    if st.session_state.get(draft.HUB) == typed:
        return Path(typed)
    view.show(parts.heading("Hub dataset", typed), key="import-hub-title")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        revision = st.text_input(
            "Revision", key=draft.ASKED_REVISION, placeholder="main", width=260, help="Branch, tag or commit"
        )
        go = st.button("Fetch", icon=":material/cloud_download:", key="import-hub-fetch", type="primary")
    view.show(
        parts.notice(
            "Not downloaded yet.",
            "Fetch downloads the data files and the README to the Hub cache on this server. It never downloads code.",
        ),
        key="import-hub-note",
    )
    if not go:
        return None
    with st.spinner(f"Fetching {errors.plain(typed)}"):
        folder = fetch_dataset(typed, (revision or "").strip())
    draft.forget_file()
    # The commit, so that the preview and the import read the same rows.
    st.session_state[draft.HUB], st.session_state[draft.REVISION] = typed, folder.name
    st.rerun()
    return None
