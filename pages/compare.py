"""Compare: two selections, references or methods side by side, down to the rows on which they differ."""

import streamlit as st

from lobass_core.workflows import compare
from pages.components import (
    address,
    charts,
    command_line,
    empty,
    parts,
    plane_chart,
    scope,
    state,
    theme,
    toolbar,
    view,
)
from pages.components.comparing import overlap_view, rows_view, sides
from pages.components.comparing.sides import Missing
from pages.components.learnability import save

project = state.project()
outline = state.outline(project)
if not outline.has_measures:
    empty.no_scores("Compare shows which rows each selection, reference or method keeps.", outline.datasets)
    st.stop()

NAMES = (*sides.NAMES, "part")
if asked := address.asked(NAMES):
    sides.adopt(asked)
    rows_view.adopt(asked)
# Saved selections keep the scores and datasets that they were made with; references name their scores themselves.
above = st.container(key="compare-scope")
left, right = toolbar.toolbar("compare")
with left:
    pair = sides.pick(project, outline.scorings)
with above:
    scope.show(project, scores=sides.kind() == "Methods", datasets=sides.kind() != "Selections")
if isinstance(pair, Missing):
    empty.show(pair.title, pair.text, action=pair.action)
    st.stop()

lost = list(dict.fromkeys(side.lost for side in (pair.a, pair.b) if side.lost))
if lost:
    view.show([parts.notice(f"{text}.", tone="amber") for text in lost], key="compare-lost")

comparison = compare.compare(pair.a, pair.b)
slots = theme.domain_slots(outline.domains)
with right:
    save.popover("overlap", overlap_view.CSV_HEADER, overlap_view.csv_lines(comparison), key="compare")
    if pair.saved:
        rows_view.browse(project, comparison, pair.command)
    else:
        command_line.popover(pair.command)

view.show(overlap_view.key_numbers(comparison, rows_view.shown()), key="compare-numbers", label="Key numbers")
by_scores = pair.a.rows.key != pair.b.rows.key or pair.a.spec.method != pair.b.spec.method
tables, plane = st.columns([3, 2], gap="medium")
with tables:
    overview = [*overlap_view.by_domain(comparison, slots), *overlap_view.composition(comparison, slots)]
    view.show(overview, key="compare-overlap", label="Overlap and composition")
with plane:
    if not by_scores:
        st.caption("Both sides rank the rows by the same score. They differ only in budget, balance or gates.")
        view.show(overlap_view.lengths(comparison), key="compare-lengths", label="Lengths")
    else:
        st.caption(
            "Each row at its percentile on A and on B; the highest scores are at the top right. The closer the rows "
            "lie to the dotted line, the more the two sides agree."
        )
        charts.show(
            plane_chart.ranks(compare.rank_plane(comparison), x_title="percentile on A", y_title="percentile on B"),
            key="compare.ranks",
            name="rank-agreement",
            alt="Percentile of each row by the score of A against its percentile by the score of B",
            picture=save.picture(),
        )
rows_view.show(project, comparison, slots)
if by_scores:
    view.show(overlap_view.lengths(comparison), key="compare-lengths", label="Lengths")
address.write({**sides.in_address(), "part": rows_view.shown()}, NAMES)
