"""How one measure is distributed in each domain."""

from collections.abc import Iterator, Mapping

import streamlit as st

from lobass_core.learnability.distributions import Distribution
from lobass_core.specs import Method
from lobass_core.workflows import explore
from lobass_core.workflows.explore import Box, Scored
from pages.components import distribution_chart, state, theme
from pages.components.learnability import brush, save

MEASURE, FORM = "learnability.measure", "learnability.form"
MEASURES = {
    "learnability": ("Learnability", "learnability, share of the base loss that the reference removes", "score"),
    "base-loss": ("Base loss", "base loss, nats per response token", "base"),
    "reference-loss": ("Reference loss", "reference loss, nats per response token", "reference"),
    "length": ("Response tokens", "response tokens", "tokens"),
}
FORMS = {"density": "Density", "count": "Count", "cumulative": "Cumulative"}
CHART, SEQ = "learnability.distribution", "learnability.distribution-seq"
READING = {
    "density": "The further right the peak of a domain, the more there is to learn, whatever its size.",
    "count": "The height is the number of rows per bin, on the same scale for all domains.",
    "cumulative": "The height is the share of a domain below that value. A line further right has more above any cut.",
}
# What a height means where the chart has ridges, and where it has lines.
SCALES = ("Each ridge is scaled to the full height.", "The area under each line is 1.")


def show(rows: Scored, slots: Mapping[str, int]) -> None:
    """Draw controls and chart; a drag across the chart brushes a range."""
    state.remember(MEASURE, "learnability")
    state.remember(FORM, "density")
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small", key="learnability-bar")
    with bar:
        st.segmented_control(
            "Measure", list(MEASURES), format_func=lambda name: MEASURES[name][0], key=MEASURE, required=True,
            label_visibility="collapsed", persist_state="session",
        )  # fmt: skip
        st.segmented_control(
            "Form", list(FORMS), format_func=FORMS.__getitem__, key=FORM, required=True, label_visibility="collapsed",
            persist_state="session",
        )  # fmt: skip
    measure: Method = st.session_state[MEASURE]
    form: distribution_chart.Form = st.session_state[FORM]
    shape = explore.distribution(rows, measure)
    with bar:
        st.space("stretch")
        save.popover(f"distribution-{measure}", ("domain", "low", "high", "rows"), _csv(shape))
    st.caption(f"{reading(shape, measure, form)} Drag across the chart to select rows to browse. {beyond(shape)}")
    field = MEASURES[measure][2]
    distribution_chart.show(
        distribution_chart.payload(
            shape,
            form=form,
            slots=slots,
            title=MEASURES[measure][1],
            name=f"distribution-{measure}",
            label=f"Distribution of {MEASURES[measure][0].lower()} by domain, {FORMS[form].lower()}",
            picture=save.picture(),
            log_x=measure == "length",
            legend_left=measure in ("learnability", "length"),
            brush=getattr(brush.box(), field),
            seq=st.session_state.get(SEQ, 0),
        ),
        key=CHART,
        on_brush=lambda: _brushed(field),
    )


def _brushed(field: str) -> None:
    """Keep the range that was drawn; it holds for all domains."""
    found = distribution_chart.brushed(CHART)
    if found is None:
        return
    st.session_state[SEQ], drawn = found
    limits = brush.whole_tokens(drawn) if field == "tokens" else brush.limits(drawn)
    brush.put(Box(**{field: limits}))  # type: ignore[arg-type]


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
