"""The loss plane: base loss against what the reference learned, in four named regions."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lobass_core.learnability.distributions import Grid
from lobass_core.learnability.measures import BUILT_IN, Measure
from lobass_core.learnability.regions import REGIONS, Limits
from lobass_core.workflows import explore
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.explore import Plane
from lobass_core.workflows.scored import Scored
from pages.components import charts, parts, plane_chart, state, theme, view
from pages.components.charts import Brush
from pages.components.learnability import brush, limits, limits_menu, save
from pages.components.learnability.limits import DomainLimits
from pages.components.parts import Column

AGAINST = "learnability.against-reference"
BASE_LOSS = BUILT_IN["base-loss"]
SENTENCE = (
    "Rows further right are harder for the base; rows further up were learned better by the reference. Rows above the "
    "dashed line are learnable and rows below 0 are forgotten. The dotted line splits the rest into already known and "
    "too hard or noisy."
)
AGAINST_SENTENCE = "On the dotted diagonal the reference learned nothing. The further below it, the more it learned."
SHADES_SENTENCE = "Cells are shaded by their share of the domain's rows; drag a box to select rows to browse."


def show(rows: Scored, slots: Mapping[str, int], tools: DeltaGenerator) -> None:
    """Draw controls, the planes, and the regions as a table whose cells open Browse; saving is among the `tools`."""
    placed = limits.placed(rows, limits.working_cuts(state.project()), limits.moved())
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small", key="learnability-bar")
    with bar:
        against = st.toggle("Against reference loss", key=AGAINST, persist_state="session")
        if not against:
            limits_menu.show(placed)
    plane = explore.plane(rows, [one.limits for one in placed], against_reference=against)
    with tools:
        save.popover("loss-plane", ("domain", "x_low", "x_high", "y_low", "y_high", "rows"), cells_csv(plane.grid))
    st.caption(f"{AGAINST_SENTENCE if against else SENTENCE} {SHADES_SENTENCE} {beyond(plane.grid)}")

    def brushed(drawn: Brush | None) -> None:
        if drawn is None:
            brush.put(None)
            return
        limits = {BASE_LOSS.name: drawn.x, _upward(against).name: drawn.y}
        brush.put(brush.drawn(limits, (plane.grid.names[drawn.panel],)))

    charts.show(
        _figure(plane, slots, against=against),
        key="learnability.plane",
        name="loss-plane",
        alt=f"{BASE_LOSS.title} against {_upward(against).label}, one panel per domain",
        picture=save.picture(),
        on_brush=brushed,
        revision=brush.n_cleared(),
    )
    _regions(plane, placed, slots)


def _upward(against: bool) -> Measure:
    """What the plane has upward."""
    return BUILT_IN["reference-loss" if against else "learnability"]


def _figure(plane: Plane, slots: Mapping[str, int], *, against: bool) -> charts.Figure:
    regions = {} if against else {"limits": plane.limits, "shares": plane.shares}
    return plane_chart.figure(
        plane.grid,
        slots=slots,
        x_title=BASE_LOSS.axis,
        y_title=_upward(against).axis,
        log_y=against,
        diagonal=against,
        **regions,  # type: ignore[arg-type]
    )


def beyond(grid: Grid) -> str:
    """Rows outside of the axes, in words."""
    n = int(grid.n_beyond.sum())
    return f"Outside the axes: {theme.count(n)}." if n else ""


def region_filter(domain: str, region: int, of: Limits) -> BrowseFilter:
    """The rectangle of a region as a filter."""
    score, base = of.ranges(region)
    return BrowseFilter(domains=(domain,), ranges=(("learnability", score), ("base-loss", base)))


def _regions(plane: Plane, placed: Sequence[DomainLimits], slots: Mapping[str, int]) -> None:
    rows = []
    for k, one in enumerate(placed):
        cells: list[view.Node] = []
        for region, (n, share) in enumerate(
            zip(plane.region_counts[k].tolist(), plane.shares[k].tolist(), strict=True)
        ):
            cells += [
                parts.link(theme.count(n), on=f"{k}-{region}") if n else theme.count(n),
                view.el("span", theme.percent(share), cls="muted"),
            ]
        borders = [theme.number(one.limits.learnable_from, 3), theme.number(one.limits.known_below, 2)]
        rows.append([parts.swatch(slots.get(one.domain, 0), one.domain), *cells, *borders])
    columns = [Column("Domain")]
    for name in REGIONS:
        columns += [Column(name.capitalize(), numeric=True), Column("", 62, numeric=True)]
    columns += [Column("Learnable from", 104, numeric=True), Column("Known below, nats", 124, numeric=True)]
    clicked = view.show(
        [
            parts.heading("Regions", f"{limits_menu.sentence(placed)} Click a number to browse its rows."),
            parts.table(columns, rows, label="Rows of each region by domain"),
        ],
        key="learnability-regions",
    )
    if clicked:
        k, region = (int(part) for part in clicked.split("-"))
        brush.browse(region_filter(placed[k].domain, region, placed[k].limits))


def cells_csv(grid: Grid) -> Iterator[tuple[object, ...]]:
    """The cells that hold rows."""
    x, y = grid.x_edges.tolist(), grid.y_edges.tolist()
    for k, j, i in np.argwhere(grid.counts).tolist():
        yield grid.names[k], x[i], x[i + 1], y[j], y[j + 1], int(grid.counts[k, j, i])
