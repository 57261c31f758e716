"""Learnability: where the learnable data lies, with links to the rows behind each chart."""

import streamlit as st

from lobass_core.learnability.measures import Measure
from lobass_core.words import loss_words
from lobass_core.words.plural import plural
from lobass_core.workflows import explore
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.scored import Scored
from pages.components import command_line, doubts_notice, empty, parts, scope, state, theme, toolbar, view
from pages.components.learnability import (
    brush,
    distributions_view,
    in_address,
    length_view,
    plane_view,
    tables_view,
)
from pages.components.parts import KeyNumber

VIEWS = {
    "Distributions": distributions_view.show,
    "Loss plane": plane_view.show,
    "Length": length_view.show,
    "Tables": tables_view.show,
}
# Views that need losses: what they show, and what they need it for.
OF_LOSSES = {
    "Loss plane": (
        "The loss plane needs losses",
        "It shows what the base finds hard against what the reference learned. Score the data with both models first.",
    ),
    "Length": (
        "This view needs losses",
        "It shows how learnability depends on the number of response tokens. Score the data with two models first.",
    ),
}


def key_numbers(rows: Scored, chosen: BrowseFilter, n_inside: int) -> view.Node:
    """The strip: the rows, their learnability and losses, and the brush that the button acts on."""
    if rows.scoring is None:
        return column_numbers(rows, chosen, n_inside)
    total, scoring = explore.total(rows), rows.scoring
    quartiles = f"quartiles {theme.number(total.learnability_lower, 2)} to {theme.number(total.learnability_upper, 2)}"
    n_missing = total.n_rows - total.n_scored
    worse = theme.percent(total.negative_share) if total.negative_share is not None else "–"
    # Only scored rows are counted: where others are left, there are more.
    tokens = theme.compact(total.n_tokens) + ("+" if total.n_uncounted else "")
    cells = [
        KeyNumber("Rows", theme.count(total.n_rows), note=f"{tokens} response tokens"),
        KeyNumber("Scored", theme.count(total.n_scored), "rows", note=f"{theme.count(n_missing)} without a score"),
        KeyNumber("Learnability, median", theme.number(total.learnability_median), note=quartiles),
        KeyNumber(
            f"Base loss, {loss_words.OF_ROWS}",
            theme.number(total.base_loss, 2),
            loss_words.NATS,
            note=_loss_note(total.base_bits_per_byte, scoring.base.model_name),
            weight=1.35,
        ),
        KeyNumber(
            f"Reference loss, {loss_words.OF_ROWS}",
            theme.number(total.reference_loss, 2),
            loss_words.NATS,
            note=_loss_note(total.reference_bits_per_byte, scoring.reference.model_name),
            weight=1.35,
        ),
        KeyNumber("Negative", worse, note="reference above base"),
        brushed_number(chosen, n_inside),
    ]
    return parts.key_numbers(cells)


def column_numbers(rows: Scored, chosen: BrowseFilter, n_inside: int) -> view.Node:
    """The strip where nothing is scored: the rows, the measure that is drawn, and the brush."""
    measure = distributions_view.drawn(rows)
    total = explore.value_summaries(rows, measure.name, "all")[0]
    n_missing = total.n_rows - total.n_with_value
    quartiles = f"quartiles {theme.figure(total.lower)} to {theme.figure(total.upper)}"
    cells = [
        KeyNumber("Rows", theme.count(total.n_rows), note=parts_of(rows)),
        KeyNumber("With a value", theme.count(total.n_with_value), "rows", note=f"{theme.count(n_missing)} without"),
        KeyNumber(f"{measure.title}, median", theme.figure(total.median), measure.unit, note=quartiles, weight=1.35),
        KeyNumber(f"{measure.title}, mean", theme.figure(total.mean), measure.unit, note=direction(measure)),
        brushed_number(chosen, n_inside),
    ]
    return parts.key_numbers(cells)


def parts_of(rows: Scored) -> str:
    """How many domains the rows are in."""
    return plural(len(rows.table.domains), "domain")


def direction(measure: Measure) -> str:
    """Which end of a measure a selection keeps."""
    return "higher is better" if measure.higher_is_better else "lower is better"


def brushed_number(chosen: BrowseFilter, n_inside: int) -> KeyNumber:
    """The rows that the button acts on."""
    return KeyNumber(
        "No brush: all rows" if chosen.is_open else "Brushed",
        theme.count(n_inside),
        "rows",
        note=brush.words(chosen) or "drag on a chart to set one",
        tinted=True,
        weight=1.7,
    )


def _loss_note(bits_per_byte: float | None, model: str) -> str:
    """Bits a byte compare between tokenizers, which nats a token do not."""
    if bits_per_byte is None:
        return model
    return f"{theme.number(bits_per_byte, 2)} {loss_words.BITS} of all responses · {model}"


project = state.project()
outline = state.outline(project)
if not outline.has_measures:
    empty.no_scores("This page shows how scores are distributed.", outline.datasets)
    st.stop()

scored_rows = explore.scored(project, state.chosen_run(), state.chosen_datasets())
measures = explore.measures(scored_rows)
in_address.follow(tuple(VIEWS), measures, explore.usual(scored_rows))
scope.show(project)
chosen_box = brush.of_measures(measures)
n_chosen = explore.n_within(scored_rows, chosen_box)

left, right = toolbar.toolbar("learnability")
with left:
    state.remember(in_address.VIEW, next(iter(VIEWS)))
    st.segmented_control(
        "View", list(VIEWS), key=in_address.VIEW, required=True, label_visibility="collapsed", persist_state="session"
    )
    chosen_view: str = st.session_state[in_address.VIEW]
with right:
    if not chosen_box.is_open:
        st.button("Clear brush", icon=":material/close:", key="learnability.clear", on_click=brush.clear)
    tools = st.container(key="learnability-tools", width="content")
    command_line.popover(command_line.in_sight("scores", project.root, ["--to", "scores.parquet"]))
    label = f"Browse {'all' if chosen_box.is_open else 'these'} {plural(n_chosen, 'row')}"
    if toolbar.primary(label, ":material/table_rows:", key="learnability.browse", disabled=not n_chosen):
        brush.browse(chosen_box)

view.show(key_numbers(scored_rows, chosen_box, n_chosen), key="learnability-numbers", label="Key numbers")
doubts_notice.show(scored_rows, key="learnability-doubts")
if chosen_view in OF_LOSSES and scored_rows.scoring is None:
    empty.show(*OF_LOSSES[chosen_view], action=empty.SCORE)
else:
    VIEWS[chosen_view](scored_rows, theme.domain_slots(outline.domains), tools)
in_address.write(chosen_view, project, scored_rows)
