"""Whether the score only follows length: learnability against response tokens."""

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lobass_core.learnability.measures import BUILT_IN
from lobass_core.validation.diagnosis import LEAST_ROWS
from lobass_core.workflows import explore
from lobass_core.workflows.scored import Scored
from pages.components import charts, errors, plane_chart, theme
from pages.components.charts import Brush
from pages.components.learnability import brush, save
from pages.components.learnability.plane_view import beyond, cells_csv

# Under this size of rho a rank correlation says next to nothing about single rows.
LENGTH, LEARNABILITY = BUILT_IN["length"], BUILT_IN["learnability"]
WEAK_RHO = 0.2
STRONG_RHO = 0.5
# What domains add up to, or cancel, over all rows.
MORE_RHO = 0.1


def show(rows: Scored, slots: Mapping[str, int], tools: DeltaGenerator) -> None:
    """Draw the verdict in words, the panels, and the brush; what saves them is among the `tools`."""
    by_length = explore.length(rows)
    with tools:
        header = ("domain", "tokens_low", "tokens_high", "learnability_low", "learnability_high", "rows")
        save.popover("length", header, cells_csv(by_length.grid))
    st.markdown(verdict(by_length))
    st.caption(
        "The solid line is the median learnability at each length; the middle half of the rows lies between the dotted "
        "lines. A flat line means that length has no influence. Drag a box to select rows to browse. "
        + beyond(by_length.grid)
    )

    def brushed(drawn: Brush | None) -> None:
        if drawn is None:
            brush.put(None)
            return
        limits = {LENGTH.name: drawn.x, LEARNABILITY.name: drawn.y}
        brush.put(brush.drawn(limits, (by_length.grid.names[drawn.panel],)))

    charts.show(
        plane_chart.figure(
            by_length.grid,
            slots=slots,
            x_title=LENGTH.axis,
            y_title=LEARNABILITY.axis,
            whole_x=True,
            lines=by_length.lines,
            rhos=by_length.rho_by_domain,
        ),
        key="learnability.length",
        name="length",
        alt=f"{LEARNABILITY.title} against {LENGTH.label}, one panel per domain",
        picture=save.picture(),
        on_brush=brushed,
        revision=brush.n_cleared(),
    )


def verdict(by_length: explore.LengthView) -> str:
    """Spearman's rho in a sentence, and in another what it hides: domains where the score depends more on length."""
    rho = by_length.rho
    if rho is None:
        return "Too few rows to tell whether the score depends on length."
    size = abs(rho)
    strength = "hardly depends" if size < WEAK_RHO else "partly depends" if size < STRONG_RHO else "mostly depends"
    longer = (
        "" if size < WEAK_RHO else ": longer responses score higher" if rho > 0 else ": shorter responses score higher"
    )
    grid = by_length.grid
    parts = zip(grid.names, grid.counts.sum(axis=(1, 2)) + grid.n_beyond, by_length.rho_by_domain, strict=True)
    clear = [
        f"{errors.plain(domain)} {theme.signed(own)}"
        for domain, n, own in parts
        if own is not None and n >= LEAST_ROWS and abs(own) >= max(WEAK_RHO, size + MORE_RHO)
    ]
    within = f" Within domains it depends more: {', '.join(clear)}." if clear else ""
    return f"**ρ {theme.signed(rho)}** over all rows: learnability {strength} on length{longer}.{within}"
