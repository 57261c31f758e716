"""The toolbar of Select: balance and gates left; working selection, save, command and export right."""

import streamlit as st

from lobass_core.project import Project
from lobass_core.workflows import select as selections
from lobass_core.workflows.cut import Cut
from pages.components import command_line, errors, state, theme, toolbar
from pages.components.selection import draft, gates_menu
from pages.components.selection.proposed_name import proposed_name

BALANCES = {"global": "Global", "natural": "Natural", "equal": "Equal", "custom": "Custom"}
BALANCE_HELP = (
    "**Global**: one cut over all domains. **Natural**: each domain keeps its share of the rows. "
    "**Equal**: the same number from each domain. **Custom**: a weight for each domain."
)
SAVE_OPEN, SAVE_NAME, CLOSE_SAVE = "select.save-open", "select.save-name", "select.close-save"
PROPOSED = "select.proposed-name"


def show(project: Project, cut: Cut) -> None:
    """Draw the line; what it changes is the draft."""
    left, right = toolbar.toolbar("select")
    with left:
        state.put(draft.BALANCE, cut.spec.balance)
        st.segmented_control(
            "Balance",
            list(BALANCES),
            format_func=BALANCES.__getitem__,
            key=draft.BALANCE,
            required=True,
            on_change=draft.on_balance,
            args=(project,),
            label_visibility="collapsed",
            help=BALANCE_HELP,
        )
        gates_menu.show(project, cut)
    with right:
        saved = selections.list_selections(project)
        _working_selection(project, [selection.name for selection in saved])
        _save(project, cut, {selection.name for selection in saved})
        _more(project)
        run = state.named_run() or ""
        command_line.popover(
            command_line.select(project.root, cut.spec, name=draft.name() or "NAME", run=run), key="select.command"
        )
        _export(project, cut, {selection.name for selection in saved})


def _working_selection(project: Project, names: list[str]) -> None:
    name = draft.name()
    if name and name not in names:
        draft.opened("")
        name = ""
    labels = {"": "Working selection · unsaved", **{other: other for other in names}}
    if name and draft.is_changed():
        labels[name] = f"{name} · changed"
    # Put each time: its words change with the draft, and the browser knows the choice by its words.
    st.session_state[draft.OPEN] = name
    st.selectbox(
        "Working selection",
        ["", *names],
        format_func=lambda option: labels.get(option, option),
        key=draft.OPEN,
        on_change=draft.on_open,
        args=(project,),
        label_visibility="collapsed",
        width=216,
        help="Open a saved selection or start a new one.",
    )


def _save(project: Project, cut: Cut, taken: set[str]) -> None:
    if st.session_state.pop(CLOSE_SAVE, False):
        st.session_state[SAVE_OPEN] = False
    popover = st.popover("Save as", icon=":material/bookmark_add:", key=SAVE_OPEN, on_change="rerun")
    # A field that is put there beforehand shows nothing of what it holds when the browser draws it at last.
    if not popover.open:
        return
    with popover:
        proposed = draft.name() or proposed_name(cut.spec, taken)
        # The proposal follows the cut until somebody types a name.
        if st.session_state.get(SAVE_NAME) in (None, st.session_state.get(PROPOSED)):
            state.put(SAVE_NAME, proposed)
        st.session_state[PROPOSED] = proposed
        name = st.text_input("Name", key=SAVE_NAME, placeholder="paper-6", max_chars=80).strip()
        st.caption(_amount(cut))
        replace = name in taken
        label = f"Replace {name}" if replace else "Save"
        # Two buttons: one that says Save must not replace a selection whose name was typed a moment before.
        key = "select.replace" if replace else "select.save"
        if st.button(label, type="primary", key=key, disabled=not name, width="stretch"):
            with errors.shown(), st.spinner("Saving the selection"):
                save(project, cut, name, replace=replace)
                st.session_state[CLOSE_SAVE] = True
                st.rerun()


def _amount(cut: Cut) -> str:
    """Rows that are kept, with their response tokens where they are counted."""
    rows = f"{theme.count(cut.answer.n_kept)} rows"
    tokens = cut.answer.known_tokens
    return rows if tokens is None else f"{rows}, {theme.compact(tokens)} response tokens"


def save(project: Project, cut: Cut, name: str, *, replace: bool) -> None:
    """Save the working selection and open it under its name."""
    result = selections.save(project, name, cut.spec, state.chosen_run(), replace=replace)
    draft.opened(name)
    st.toast(f"Saved {name}: {theme.count(result.n_kept)} rows", icon=":material/bookmark_added:")


def _more(project: Project) -> None:
    """Duplicate and delete; after a deletion its undo, in the same place, so that nothing jumps."""
    if draft.DELETED in st.session_state and not draft.name():
        _, name = st.session_state[draft.DELETED]
        st.button(
            "Undo delete",
            key="select.undelete",
            icon=":material/undo:",
            help=f"Restore {errors.plain(name)}",
            on_click=draft.on_undelete,
            args=(project,),
        )
        return
    st.menu_button(
        "More",
        ["Duplicate", "Delete"],
        key=draft.MORE,
        icon=":material/more_horiz:",
        disabled=not draft.name(),
        help=None if draft.name() else "Open a saved selection first",
        on_click=draft.on_more,
        args=(project,),
    )


def _export(project: Project, cut: Cut, taken: set[str]) -> None:
    ready = bool(draft.name()) and not draft.is_changed()
    if not toolbar.primary("Export", ":material/ios_share:", key="select.export", disabled=cut.answer.n_kept == 0):
        return
    if ready:
        _go_export(draft.name())
    else:
        _save_and_export(project, cut, draft.name() or proposed_name(cut.spec, taken))


@st.dialog("Save and export")
def _save_and_export(project: Project, cut: Cut, proposed: str) -> None:
    """An export writes a saved selection, so that it can be replayed."""
    st.markdown(f"{_amount(cut)}. An export needs a saved selection, so that it can be reproduced.")
    name = st.text_input("Name", value=proposed, key="select.export-name", placeholder="paper-6").strip()
    if st.button("Save and export", type="primary", key="select.export-go", disabled=not name):
        with errors.shown():
            save(project, cut, name, replace=name == draft.name())
            _go_export(name)


def _go_export(name: str) -> None:
    # The key of the picker on the Export page, which keeps its choice between visits.
    st.session_state["selection"] = name
    state.go("export")
