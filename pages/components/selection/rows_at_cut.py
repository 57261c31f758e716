"""The rows next to the cut, and whether their losses are precise enough to tell on which side they belong."""

from collections.abc import Sequence

import streamlit as st

from lobass_core.learnability.measures import reads_losses
from lobass_core.project import Project
from lobass_core.workflows import cut as cuts
from lobass_core.workflows import refine
from lobass_core.workflows.cut import Cut, RowAtCut
from pages.components import command_line, errors, parts, state, theme, view
from pages.components.parts import Column
from pages.components.selection import draft
from pages.components.view import Node, el


def show(project: Project, cut: Cut) -> None:
    """The last rows that the cut keeps and the first that it drops."""
    _precision(project, cut)
    kept, dropped = cuts.rows_at_cut(project, cut)
    slots = theme.domain_slots(state.outline(project).domains)
    best, worst = ("highest", "lowest") if cut.scores.measure.higher_is_better else ("lowest", "highest")
    clicked = view.show(
        el(
            "div",
            _side("Last kept", f"{worst} scores kept", kept, slots, "No rows are kept by score."),
            _side("First dropped", f"{best} scores dropped", dropped, slots, "No rows are dropped by score."),
            cls="grid two aside",
        ),
        key="select-rows-at-cut",
        label="Rows at the cut",
    )
    if clicked:
        state.go("browse", row=clicked)


def _side(title: str, note: str, rows: Sequence[RowAtCut], slots: dict[str, int], nothing: str) -> Node:
    has_losses = any(row.base_loss is not None for row in rows)
    of_losses = [Column("Tokens", 56, numeric=True), Column("Base → ref.", 88, numeric=True)] if has_losses else []
    wide = 112 if any(row.error is not None for row in rows) else 62
    columns = [Column("Domain", 112), Column("Score", wide, numeric=True), *of_losses, Column("Prompt")]
    body = [
        [
            parts.swatch(slots.get(row.domain, 0), row.domain),
            _score(row) if has_losses else theme.figure(row.score),
            *(_losses(row) if has_losses else ()),
            parts.first_line(row.prompt),
        ]
        for row in rows
    ]
    shown = parts.table(columns, body, on=[str(row.row_key) for row in rows], label=title)
    return el("div", parts.heading(title, note), shown if rows else el("p", nothing, cls="muted"), cls="stack")


def _score(row: RowAtCut) -> str:
    return theme.number(row.score, 4) + ("" if row.error is None else f" ± {theme.number(row.error, 3)}")


def _losses(row: RowAtCut) -> list[Node]:
    losses = f"{theme.number(row.base_loss, 2)} → {theme.number(row.reference_loss, 2)}"
    return [theme.count(row.n_tokens), losses]


def _precision(project: Project, cut: Cut) -> None:
    """Losses in a coarser dtype may put rows this near on the wrong side; how to have them exact."""
    scoring = cut.rows.scoring
    if scoring is None or scoring.dtype in ("", "float32") or not reads_losses(cut.spec.method):
        return
    if scoring.refined_by:
        st.caption(f"Scored in {scoring.dtype}; rows near a cut were scored again in float32 ({scoring.refined_by}).")
        return
    n_near = len(refine.rows_near_cut(cut))
    if not n_near:
        return
    st.caption(
        f"Scored in {scoring.dtype}: the {theme.count(n_near)} rows within {refine.DEFAULT_BAND:g} of the cut may be "
        "on the wrong side."
    )
    with st.container(horizontal=True, gap="xsmall"):
        asked = st.button(
            f"Score {theme.count(n_near)} rows again in float32", icon=":material/target:", key="select.refine"
        )
        command_line.popover(
            command_line.plain("score", project.root, ["--refine", draft.name() or "NAME"]), key="select.refine-command"
        )
    if asked:
        with errors.shown():
            state.go("score", show=refine.start(project, cut).run_id)
