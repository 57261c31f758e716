"""Browse: find and read samples, see their token losses, keep and drop by hand."""

import streamlit as st

from lobass_core.errors import LobassError, StoreLockedError
from pages.components import address, command_line, empty, errors, filter_command, filters, scope, state, toolbar
from pages.components.browsing import dialogs, queue, saved, session

project = state.project()
outline = state.outline(project)

if not outline.datasets:
    empty.show(
        "Nothing to browse yet", "Import data to read it here, sample by sample.", action=("Import data", "import")
    )
    st.stop()

asked = filters.current()
try:
    shown = session.view(project, asked)
except StoreLockedError:
    raise
except LobassError as error:
    # A filter that names something that is gone must not lock the page: say so, and offer to let go of it.
    errors.show(error)
    st.button(
        "Show all rows",
        icon=":material/filter_list_off:",
        on_click=lambda: filters.put(asked.only_order().without("sort")),
    )
    st.stop()

scope.show(project)
left, right = toolbar.toolbar("browse")
with left:
    filters.toolbar(asked, shown.choices, shown.matching.rows)
with right:
    queue.button(project, asked)
    saved.button(project, asked)
    dialogs.find_again_button(shown)
    dialogs.act_on_all(project, shown.matching)
    dialogs.log_button(project)
    command_line.popover(filter_command.command(project.root, asked))
# One container whether it holds something or not: what comes and goes here must not mount the list anew.
with st.container(gap="small", key="browse-above-list"):
    if filters.TROUBLE in st.session_state:
        errors.show(st.session_state[filters.TROUBLE])
    filters.chips(asked)
    dialogs.say()


@st.fragment
def listing() -> None:
    """The list alone: a mark or a turned page reruns this and nothing around it."""
    session.show(project, shown)


listing()
address.write({})
