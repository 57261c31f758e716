"""One line on Select: what matters most of what is known about these scores, and the way to the page Trust."""

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.learnability.measure_values import measures_of
from lobass_core.project import Project
from lobass_core.workflows import explore
from lobass_core.workflows.cut import Cut
from lobass_core.workflows.headline import headline
from lobass_core.workflows.planted_report import PlantedReport, latest_report
from pages.components import parts, state, view
from pages.components.selection import draft
from pages.components.view import el

TARGETED, RANK = "target-learnability", "rank"


def self_test(project: Project) -> PlantedReport | None:
    """What the last self-test of these scores found; asked once a run of the page, not while the cut moves."""
    try:
        return latest_report(project, explore.scored(project, state.chosen_run()))
    except LobassError:
        # The page itself says what is wrong with the scores.
        return None


def show(cut: Cut, report: PlantedReport | None) -> None:
    """Draw the line, or nothing where there is nothing to say."""
    sentence = headline(cut, report)
    notices = [parts.notice(sentence, link=("Look at Trust", "trust"))] if sentence else []
    if cut.spec.method == "learnability" and TARGETED in measures_of(cut.rows.table):
        words = "These scores have a target. The rows are ranked by learnability, which does not look at it."
        notices.append(parts.notice(words, link=("Rank by learnability towards the target", RANK)))
    if not notices:
        return
    clicked = view.show(el("div", *notices, cls="notices"), key="select-trust", label="Most important finding")
    if clicked == RANK:
        draft.rank_by(TARGETED, cut.spec.seed)
        st.rerun()
    if clicked:
        name = draft.name()
        state.go("trust", **({"selection": name} if name and not draft.is_changed() else {}))
