"""How one measure is distributed in each domain."""

from collections.abc import Iterator, Mapping

import streamlit as st

from lobass_core.learnability.distributions import Distribution
from lobass_core.workflows import explore
from lobass_core.workflows.explore import Box, Scored
from pages.components import charts, distribution_chart, theme
from pages.components.charts import Brush
from pages.components.learnability import brush, save

MEASURES = {
    "learnability": ("Learnability", "learnability, share of the base loss that the reference saved", "score"),
    "base-loss": ("Base loss", "base loss, nats a response token", "base"),
    "reference-loss": ("Reference loss", "reference loss, nats a response token", "reference"),
    "length": ("Response tokens", "response tokens", "tokens"),
}
FORMS = {"density": "Density", "count": "Count", "cumulative": "Cumulative"}
READING = {
    "density": "The area under each line is 1: a hump further right is a domain with more to learn, whatever its size.",
    "count": "The height is the number of rows in a bin: it shows where most of the data lies.",
    "cumulative": "The height is the share of a domain below that value: a line further right has more above any cut.",
}


def show(rows: Scored, slots: Mapping[str, int]) -> None:
    """Draw controls and chart; a drag across the chart brushes a range."""
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small", key="learnability-bar")
    with bar:
        measure = st.segmented_control(
            "Measure", list(MEASURES), format_func=lambda name: MEASURES[name][0], default="learnability",
            key="learnability.measure", required=True, label_visibility="collapsed",
        )  # fmt: skip
        form = st.segmented_control(
            "Form", list(FORMS), format_func=FORMS.__getitem__, default="density",
            key="learnability.form", required=True, label_visibility="collapsed",
        )  # fmt: skip
    shape = explore.distribution(rows, measure)
    with bar:
        st.space("stretch")
        save.popover(f"distribution-{measure}", ("domain", "low", "high", "rows"), _csv(shape))
    by_density = READING[form] if measure == "learnability" or form != "density" else "The area under each line is 1."
    st.caption(f"{by_density} Drag across it to browse those rows. {beyond(shape)}")
    multiples = len(shape.names) > distribution_chart.MOST_LINES
    field = MEASURES[measure][2]

    def brushed(found: Brush | None) -> None:
        if found is None or found.x is None:
            brush.put(None)
            return
        limits = brush.whole_tokens(found.x) if field == "tokens" else brush.limits(found.x)
        brush.put(Box(domains=(shape.names[found.panel],) if multiples else (), **{field: limits}))  # type: ignore[arg-type]

    charts.show(
        distribution_chart.figure(
            shape,
            form=form,
            slots=slots,
            title=MEASURES[measure][1],
            log_x=measure == "length",
            legend_left=measure in ("learnability", "length"),
        ),
        key="learnability.distribution",
        name=f"distribution-{measure}",
        alt=f"Distribution of {MEASURES[measure][0].lower()} by domain, {FORMS[form].lower()}",
        picture=save.picture(),
        on_brush=brushed,
        revision=brush.n_cleared(),
    )


def beyond(shape: Distribution) -> str:
    """Rows outside of the axis, in words."""
    n_below, n_above = int(shape.n_below.sum()), int(shape.n_above.sum())
    sides = [f"{theme.count(n)} {side}" for n, side in ((n_below, "below"), (n_above, "above")) if n]
    return f"Beyond the axis: {' and '.join(sides)}." if sides else ""


def _csv(shape: Distribution) -> Iterator[tuple[object, ...]]:
    for k, name in enumerate(shape.names):
        yield name, "", float(shape.edges[0]), int(shape.n_below[k])
        for low, high, n in zip(
            shape.edges[:-1].tolist(), shape.edges[1:].tolist(), shape.counts[k].tolist(), strict=True
        ):
            yield name, low, high, n
        yield name, float(shape.edges[-1]), "", int(shape.n_above[k])
