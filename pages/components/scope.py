"""The chips above a page that say which scores and datasets its numbers come from, if not from all.

scope.show(project, scores=True, datasets=True)     # what of the two decides the numbers of this page
"""

from collections.abc import Sequence

import streamlit as st

from lobass_core.project import Project
from lobass_core.workflows.outline import Outline
from pages.components import address, chips, parts, state, theme, view
from pages.components.chips import Chip

# Names of more datasets than these are counted, not listed.
MOST_NAMES = 3


def show(project: Project, *, scores: bool = True, datasets: bool = True) -> None:
    """Draw the chips, and what of the address cannot be had; nothing where there is nothing to say."""
    if scores or datasets:
        outline = state.outline(project)
        chips.row("scope", [*(_scores(outline) if scores else ()), *(_datasets(outline) if datasets else ())])
    if notes := address.trouble():
        view.show(
            [parts.notice("Some of this address cannot be shown.", note, tone="amber") for note in notes],
            key="address-trouble",
            label="About this address",
        )


def _scores(outline: Outline) -> Sequence[Chip]:
    """Which of several pairs of models; the latest is the one that there is without a choice."""
    if len(outline.scorings) < 2:
        return ()
    chosen = next((item for item in outline.scorings if item.run_id == state.chosen_run()), outline.scorings[0])
    words = f"Scores: {state.scoring_label(chosen)}"
    if chosen is outline.scorings[0]:
        return (Chip(words, "run", None, "The latest scores. Choose other scores in the sidebar."),)
    return (Chip(words, "run", _latest_scores, "Back to the latest scores"),)


def _latest_scores() -> None:
    st.session_state[state.RUN_KEY] = None


def _datasets(outline: Outline) -> Sequence[Chip]:
    chosen = state.chosen_datasets()
    if not chosen:
        return ()
    names = ", ".join(chosen) if len(chosen) <= MOST_NAMES else f"{len(chosen)} of {len(outline.datasets)} datasets"
    words = f"Only {names}: {theme.count(outline.rows_in(chosen))} of {theme.count(outline.n_rows)} rows"
    return (Chip(words, "datasets", _all_datasets, "Show the rows of all datasets"),)


def _all_datasets() -> None:
    st.session_state[state.DATASETS_KEY] = []
