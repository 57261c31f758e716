"""The button of the review queue: lists the rows worth reading, near the cut or flagged, and goes back."""

import streamlit as st

from lobass_core.errors import LobassError, SelectionError
from lobass_core.project import Project
from lobass_core.workflows import review
from lobass_core.workflows.browse_filter import BrowseFilter
from pages.components import filters, state
from pages.components.browsing import dialogs
from pages.components.selection import draft

BEFORE = "browse.before-review"
HELP = (
    "Undecided rows to check by hand: the {n} on either side of each cut of the working selection, and rows that are "
    "negative, truncated, duplicates, worse than chance or not in the reference's training data"
)


def button(project: Project, asked: BrowseFilter) -> None:
    """Opens the queue; open, it goes back to the filter before it."""
    st.button(
        "Leave review" if asked.review else "Review",
        icon=":material/rule:",
        key="browse-review",
        help="Back to the previous rows (Q)" if asked.review else HELP.format(n=review.NEAR_ROWS) + " (Q)",
        on_click=_leave if asked.review else _open,
        args=() if asked.review else (project, asked),
    )


def _open(project: Project, asked: BrowseFilter) -> None:
    st.session_state[BEFORE] = asked
    try:
        filters.put(queue(project))
    except LobassError as error:
        st.session_state[dialogs.FAILED] = error


def _leave() -> None:
    filters.put(st.session_state.pop(BEFORE, BrowseFilter()))


def queue(project: Project) -> BrowseFilter:
    """The queue for the working selection; where nothing can be cut, the flagged rows alone.

    Raises:
        LobassError: the working selection names something that is gone.
    """
    if not state.outline(project).has_measures:
        return review.queue()
    try:
        answer = draft.answer(project).answer
    except SelectionError:
        # No cut by this method: base and reference have the same losses.
        return review.queue()
    spec = draft.spec()
    thresholds = [(share.domain, share.threshold) for share in answer.domains]
    return review.queue(review.cuts_of(thresholds, spec.balance == "global"), spec.method)
