"""What the working selection has in common with a saved one."""

import streamlit as st

from lobass_core.project import Project
from lobass_core.selection.overlap import Overlap
from lobass_core.workflows import cut as cuts
from lobass_core.workflows import select as selections
from lobass_core.workflows.cut import Cut
from pages.components import parts, state, theme, view
from pages.components.comparing import sides
from pages.components.parts import Column
from pages.components.selection import draft
from pages.components.view import Node, el

COMPARED = "select.overlap"


def show(project: Project, cut: Cut) -> None:
    """Choose a saved selection, and compare the working one with it."""
    here, changed = draft.name(), draft.is_changed()
    # What is saved and unchanged has nothing to tell about itself; once changed, it does.
    names = [saved.name for saved in selections.list_selections(project) if saved.name != here or changed]
    if not names:
        other = "other " if here else ""
        st.caption(f"No {other}saved selections yet. Save this one and change the cut to compare the two.")
        return
    if st.session_state.get(COMPARED) not in names:
        others = [name for name in names if name != here]
        st.session_state[COMPARED] = (others or names)[0]
    name = st.selectbox("Compare with", names, key=COMPARED, label_visibility="collapsed", width=260)
    overlap = cuts.overlap_with(project, cut, name)
    clicked = view.show(
        el(
            "div",
            _facts(overlap),
            _by_domain(overlap, name, theme.domain_slots(state.outline(project).domains)),
            parts.link("Compare row by row", on="compare") if here and not changed else _save_first(here),
            cls="stack",
        ),
        key="select-overlap",
        label="Overlap with a saved selection",
    )
    if clicked:
        sides.open_selections(here, name)


def _facts(overlap: Overlap) -> Node:
    of_either = f"{theme.percent(overlap.jaccard)} of all rows in either"
    return parts.facts(
        [
            ("In both", f"{theme.count(overlap.both)} rows, {of_either}"),
            ("By chance", f"{theme.count(overlap.expected_both)} rows expected for two random selections"),
            ("Only here", f"{theme.count(overlap.only_a)} rows"),
            ("Only in saved", f"{theme.count(overlap.only_b)} rows"),
            ("Rank agreement", f"{theme.signed(overlap.rank_agreement)}, Spearman's ρ of the rows in both"),
        ]
    )


def _by_domain(overlap: Overlap, name: str, slots: dict[str, int]) -> Node:
    columns = [
        Column("Domain"),
        Column("In both", 84, numeric=True),
        Column("Only here", 84, numeric=True),
        Column(f"Only in {name}", 180, numeric=True),
    ]
    rows = [
        [
            parts.swatch(slots.get(part.domain, 0), part.domain),
            theme.count(part.both),
            theme.count(part.only_a),
            theme.count(part.only_b),
        ]
        for part in overlap.domains
        if part.both or part.only_a or part.only_b
    ]
    return parts.table(columns, rows, label="Overlap by domain")


def _save_first(here: str) -> Node:
    what = f"{here} has changed since it was saved" if here else "This selection is not saved yet"
    return el("p", f"{what}. Save it to compare the two row by row.", cls="muted")
