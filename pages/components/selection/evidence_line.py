"""One line on Select: whether rows chosen this way are known to train a better model, and the way to find out."""

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.learnability.measure_values import measures_of
from lobass_core.learnability.measures import label_of
from lobass_core.project import Project
from lobass_core.workflows import explore
from lobass_core.workflows.cut import Cut
from lobass_core.workflows.evidence import Evidence, Reported, reported
from pages.components import parts, state, view
from pages.components.selection import draft
from pages.components.view import el

VALIDATE, RANK = "validate", "rank"


def experiments(project: Project) -> tuple[Reported, ...]:
    """The experiments on these scores; asked once a run of the page, not while the cut moves."""
    try:
        return reported(project, explore.scored(project, state.chosen_run()).run_id)
    except LobassError:
        # The page itself says what is wrong with the scores.
        return ()


def show(known: Evidence | None, cut: Cut) -> None:
    """Draw the line, or nothing where nothing is known of the measure."""
    if known is None:
        return
    links = [parts.link("See the report" if known.run_id else "Validate", VALIDATE)]
    if known.instead and known.instead in measures_of(cut.rows.table):
        links.append(parts.link(f"Rank by {label_of(known.instead)}", RANK))
    told = el("p", f"{known.sentence} ", links[0], *(part for link in links[1:] for part in (" · ", link)), cls="muted")
    clicked = view.show(told, key="select-evidence", label="Does it train better?")
    if clicked == VALIDATE:
        state.go("validate", show=known.run_id or "new")
    if clicked == RANK:
        draft.rank_by(known.instead, cut.spec.seed)
        st.rerun()
