"""The dialog of saved filters: save what is asked now, open, rename and delete, all by keyboard."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lobass_core.errors import LobassError, RequestError
from lobass_core.project import Project
from lobass_core.store.saved_filters import LONGEST_NAME, SavedFilter
from lobass_core.workflows import saved_filters
from lobass_core.workflows.browse_filter import BrowseFilter
from pages.components import errors, filter_words, filters, state
from pages.components.browsing import dialogs

RENAMING, REPLACING, TROUBLE = "browse.saved.renaming", "browse.saved.replacing", "browse.saved.trouble"
NAME, NEW_NAME = "browse.saved.name", "browse.saved.new-name"


def button(project: Project, asked: BrowseFilter) -> None:
    """The button that opens the dialog."""
    if st.button("Saved", icon=":material/bookmark:", key="browse-saved", help="Saved filters (S)"):
        for key in (RENAMING, REPLACING, TROUBLE):
            st.session_state.pop(key, None)
        dialog(project, asked)


@st.dialog("Saved filters", width=560, position="right")
def dialog(project: Project, asked: BrowseFilter) -> None:
    """What is saved, and the present filter to be saved. Clicks are done by callbacks, whatever is drawn after them."""
    if TROUBLE in st.session_state:
        errors.show(st.session_state.pop(TROUBLE), key="browse-saved-error")
    if not project.is_read_only:
        _save_form(project, with_datasets(asked))
    try:
        saved = saved_filters.list_filters(project)
    except LobassError as error:
        errors.show(error, key="browse-saved-error")
        return
    if not saved:
        st.caption("No saved filters yet. Saved filters are kept in the project and shared by everyone who opens it.")
    for number, one in enumerate(saved):
        _line(project, one, number)


def with_datasets(asked: BrowseFilter) -> BrowseFilter:
    """The filter with the datasets of the sidebar, so that it finds the same rows whatever the sidebar says later."""
    return asked.within_datasets(state.chosen_datasets())


def _save_form(project: Project, asked: BrowseFilter) -> None:
    words = filter_words.in_words(asked)
    st.caption(f"Now: {errors.plain(words)}" if words else "Now: all rows, no filter set")
    with st.form("browse.saved.form", border=False), _one_line():
        st.text_input(
            "Name", key=NAME, max_chars=LONGEST_NAME, placeholder="Name of this filter", label_visibility="collapsed"
        )
        label = "Replace" if REPLACING in st.session_state else "Save"
        st.form_submit_button(label, icon=":material/bookmark_add:", on_click=_save, args=(project, asked))
    if dialogs.SAID in st.session_state:
        st.rerun()


def _save(project: Project, asked: BrowseFilter) -> None:
    name = st.session_state[NAME].strip()
    replacing = st.session_state.pop(REPLACING, None) == name
    try:
        taken = any(one.name == name for one in saved_filters.list_filters(project))
        if taken and not replacing:
            # The second press replaces; the button says so.
            st.session_state[REPLACING] = name
            st.session_state[TROUBLE] = RequestError(
                f"a filter named {name!r} already exists", do="Press Replace to overwrite it, or choose another name."
            )
            return
        saved_filters.save(project, name, asked, replace=replacing)
        st.session_state[dialogs.SAID] = f"Saved filter {name}"
    except LobassError as error:
        st.session_state[TROUBLE] = error


def _one_line() -> DeltaGenerator:
    return st.container(horizontal=True, gap="xsmall", vertical_alignment="center")


def _line(project: Project, one: SavedFilter, number: int) -> None:
    if st.session_state.get(RENAMING) == one.name:
        _rename_form(project, one)
        return
    with _one_line():
        if st.button(
            errors.plain(one.name), key=f"browse.saved.open.{number}", type="tertiary", width="stretch",
            help=_described(project, one), on_click=_open, args=(project, one.name),
        ) and TROUBLE not in st.session_state:  # fmt: skip
            st.rerun()
        if not project.is_read_only:
            st.button(
                "Rename", key=f"browse.saved.rename.{number}", icon=":material/edit:",
                on_click=_start_renaming, args=(one.name,),
            )  # fmt: skip
            st.button(
                "Delete", key=f"browse.saved.delete.{number}", icon=":material/delete:",
                on_click=_delete, args=(project, one.name),
            )  # fmt: skip


def _rename_form(project: Project, one: SavedFilter) -> None:
    with st.form("browse.saved.rename.form", border=False), _one_line():
        st.text_input("New name", one.name, key=NEW_NAME, max_chars=LONGEST_NAME, label_visibility="collapsed")
        st.form_submit_button("Rename", icon=":material/check:", on_click=_rename, args=(project, one.name))


def _start_renaming(name: str) -> None:
    st.session_state[RENAMING] = name


def _rename(project: Project, name: str) -> None:
    try:
        saved_filters.rename(project, name, st.session_state[NEW_NAME])
        st.session_state.pop(RENAMING, None)
    except LobassError as error:
        st.session_state[TROUBLE] = error


def _delete(project: Project, name: str) -> None:
    try:
        saved_filters.delete(project, name)
    except LobassError as error:
        st.session_state[TROUBLE] = error


def _open(project: Project, name: str) -> None:
    try:
        filters.put(saved_filters.load(project, name))
    except LobassError as error:
        st.session_state[TROUBLE] = error


def _described(project: Project, one: SavedFilter) -> str:
    try:
        return errors.plain(filter_words.in_words(saved_filters.load(project, one.name))) or "all rows"
    except LobassError as error:
        return errors.plain(error.what)
