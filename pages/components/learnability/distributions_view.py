"""How one measure is distributed in each domain."""

from collections.abc import Iterator, Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lobass_core.learnability.distributions import Distribution
from lobass_core.learnability.measures import Measure
from lobass_core.workflows import explore
from lobass_core.workflows.scored import Scored
from pages.components import distribution_chart, state, theme
from pages.components.learnability import brush, save

MEASURE, FORM = "learnability.measure", "learnability.form"
# Measures that stand side by side; the others are in a list after them.
FIRST_MEASURES = ("learnability", "base-loss", "reference-loss", "length")
# Without losses the first score columns stand there.
MOST_FIRST = 4
FIRST, OTHER = "learnability.first-measures", "learnability.other-measures"
FORMS = {"density": "Density", "count": "Count", "cumulative": "Cumulative"}
CHART, SEQ = "learnability.distribution", "learnability.distribution-seq"
READING = {
    "density": "The further right the peak of a domain, the more there is to learn, whatever its size.",
    "count": "The height is the number of rows per bin, on the same scale for all domains.",
    "cumulative": "The height is the share of a domain below that value. A line further right has more above any cut.",
}
# What a height means where the chart has ridges, and where it has lines.
SCALES = ("Each ridge is scaled to the full height.", "The area under each line is 1.")


def show(rows: Scored, slots: Mapping[str, int], tools: DeltaGenerator) -> None:
    """Draw controls and chart, and what saves it among the `tools`; a drag across the chart brushes a range."""
    state.remember(MEASURE, explore.usual(rows))
    state.remember(FORM, "density")
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small", key="learnability-bar")
    with bar:
        measure = _picked(rows)
        st.segmented_control(
            "Form", list(FORMS), format_func=FORMS.__getitem__, key=FORM, required=True, label_visibility="collapsed",
            persist_state="session",
        )  # fmt: skip
    form: distribution_chart.Form = st.session_state[FORM]
    name = measure.name
    shape = explore.distribution(rows, name)
    with tools:
        save.popover(f"distribution-{name}", ("domain", "low", "high", "rows"), _csv(shape))
    if not shape.n.any():
        st.caption(f"No row has a value for {measure.label}.")
        return
    st.caption(f"{reading(shape, name, form)} Drag across the chart to select rows to browse. {beyond(shape)}")
    distribution_chart.show(
        distribution_chart.payload(
            shape,
            form=form,
            slots=slots,
            title=measure.axis if " " not in measure.formula else f"{measure.axis} = {measure.formula}",
            name=f"distribution-{name}",
            label=f"Distribution of {measure.label} by domain, {FORMS[form].lower()}",
            picture=save.picture(),
            log_x=measure.is_whole,
            brush=brush.box().within(name) or (None, None),
            seq=st.session_state.get(SEQ, 0),
        ),
        key=CHART,
        on_brush=lambda: _brushed(name),
    )


def drawn(rows: Scored) -> Measure:
    """The measure that the session has chosen; the usual one where it has chosen none that these rows have."""
    measures = _drawable(rows)
    return measures.get(st.session_state.get(MEASURE, ""), measures[explore.usual(rows)])


def _drawable(rows: Scored) -> dict[str, Measure]:
    return {name: one for name, one in explore.measures(rows).items() if not one.uses_seed}


def _picked(rows: Scored) -> Measure:
    """The measure that is drawn: one of the first, or of a list of all others that these rows have."""
    measures = _drawable(rows)
    st.session_state[MEASURE] = chosen = drawn(rows).name
    first = [name for name in FIRST_MEASURES if name in measures] or list(measures)[:MOST_FIRST]
    others = [name for name in measures if name not in first]
    state.put(FIRST, chosen if chosen in first else None)
    state.put(OTHER, None if chosen in first else chosen)
    st.segmented_control(
        "Measure", first, format_func=lambda name: measures[name].title, key=FIRST, label_visibility="collapsed",
        on_change=_pick, args=(FIRST,),
    )  # fmt: skip
    if not others:
        return measures[chosen]
    st.selectbox(
        "Other measure", others, index=None, placeholder="Other measure", format_func=lambda name: measures[name].title,
        key=OTHER, label_visibility="collapsed", on_change=_pick, args=(OTHER,), width=190,
    )  # fmt: skip
    return measures[chosen]


def _pick(widget: str) -> None:
    # A second click on what is chosen lets go of it in the widget alone: one measure is always drawn.
    st.session_state[MEASURE] = st.session_state[widget] or st.session_state[MEASURE]


def _brushed(name: str) -> None:
    """Keep the range that was drawn; it holds for all domains."""
    brushed = distribution_chart.brushed(CHART)
    if brushed is None:
        return
    st.session_state[SEQ], limits = brushed
    brush.put(brush.drawn({name: limits}))


def reading(shape: Distribution, measure: str, form: str) -> str:
    """How to read the chart."""
    if form != "density":
        return READING[form]
    scale = SCALES[len(shape.names) <= distribution_chart.MOST_LINES]
    if len(shape.names) == 1:
        return f"Rows further right have more to learn. {scale}" if measure == "learnability" else scale
    return f"{READING[form]} {scale}" if measure == "learnability" else scale


def beyond(shape: Distribution) -> str:
    """Rows outside of the axis, in words."""
    n_below, n_above = int(shape.n_below.sum()), int(shape.n_above.sum())
    sides = [f"{theme.count(n)} {side}" for n, side in ((n_below, "below"), (n_above, "above")) if n]
    return f"Outside the axis: {' and '.join(sides)}." if sides else ""


def _csv(shape: Distribution) -> Iterator[tuple[object, ...]]:
    for k, name in enumerate(shape.names):
        yield name, "", float(shape.edges[0]), int(shape.n_below[k])
        for low, high, n in zip(
            shape.edges[:-1].tolist(), shape.edges[1:].tolist(), shape.counts[k].tolist(), strict=True
        ):
            yield name, low, high, n
        yield name, float(shape.edges[-1]), "", int(shape.n_above[k])
