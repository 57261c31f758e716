"""The loss plane: what the base finds hard against what the reference learned, in four named regions."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import streamlit as st

from lobass_core.learnability.distributions import KNOWN_BELOW_NATS, REGIONS, Grid
from lobass_core.specs import PAPER_RATIOS
from lobass_core.workflows import explore
from lobass_core.workflows.explore import Box, Plane, Scored
from pages.components import charts, parts, plane_chart, state, theme, view
from pages.components.charts import Brush
from pages.components.learnability import brush, save
from pages.components.parts import Column

CUT, KNOWN, AGAINST = "learnability.cut", "learnability.known", "learnability.against-reference"
SENTENCE = (
    "Each cell is shaded by its share of the domain's rows: to the right the base finds it harder, further up the "
    "reference learned more of it. Drag a box to browse those rows."
)
AGAINST_SENTENCE = (
    "Each cell is shaded by its share of the domain's rows. On the dotted diagonal the reference learned nothing; "
    "the further below it, the more. Drag a box to browse those rows."
)


def show(rows: Scored, slots: Mapping[str, int]) -> None:
    """Draw controls, the planes, and the regions as a table whose cells open Browse."""
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small", key="learnability-bar")
    with bar:
        state.remember(CUT, max(explore.top_cut(rows, PAPER_RATIOS[-1]), 0.0))
        st.markdown("Learnable from")
        cut = st.number_input(
            "Learnable from", key=CUT, step=0.01, format="%.2f", width=110, label_visibility="collapsed",
        )  # fmt: skip
        st.markdown(
            "known below",
            help="**Learnable**: learnability from this value up; it starts where the best 16.7 % of all rows do. "
            "**Known**: less learnable, and a base loss a response token below this; 0.69 nats is an even chance.",
        )
        known = st.number_input(
            "Known below, nats", key=KNOWN, value=round(KNOWN_BELOW_NATS, 2), min_value=0.01, step=0.05, format="%.2f",
            width=110, label_visibility="collapsed",
        )  # fmt: skip
        st.markdown("nats")
        against = st.toggle("Against reference loss", key=AGAINST)
        st.space("stretch")
    found = explore.plane(rows, cut=cut, known_below=known, against_reference=against)
    with bar:
        save.popover("loss-plane", ("domain", "x_low", "x_high", "y_low", "y_high", "rows"), cells_csv(found.grid))
    st.caption(f"{AGAINST_SENTENCE if against else SENTENCE} {beyond(found.grid)}")

    def brushed(drawn: Brush | None) -> None:
        if drawn is None:
            brush.put(None)
            return
        side = "reference" if against else "score"
        domain = (found.grid.names[drawn.panel],)
        brush.put(Box(domains=domain, base=brush.limits(drawn.x), **{side: brush.limits(drawn.y)}))  # type: ignore[arg-type]

    charts.show(
        _figure(found, slots, against=against),
        key="learnability.plane",
        name="loss-plane",
        alt="Base loss against " + ("reference loss" if against else "learnability") + ", one panel a domain",
        picture=save.picture(),
        on_brush=brushed,
        revision=brush.n_cleared(),
    )
    _regions(found, slots)


def _figure(found: Plane, slots: Mapping[str, int], *, against: bool) -> charts.Figure:
    n = np.maximum(found.region_counts.sum(axis=1, keepdims=True), 1)
    regions = {} if against else {"cut": found.cut, "known_below": found.known_below, "shares": found.region_counts / n}
    return plane_chart.figure(
        found.grid,
        slots=slots,
        x_title="base loss, nats/token",
        y_title="reference loss, nats/token" if against else "learnability",
        log_y=against,
        diagonal=against,
        **regions,  # type: ignore[arg-type]
    )


def beyond(grid: Grid) -> str:
    """Rows outside of the axes, in words."""
    n = int(grid.n_beyond.sum())
    return f"Beyond the axes: {theme.count(n)}." if n else ""


def region_box(domain: str, region: int, cut: float, known_below: float) -> Box:
    """The closed rectangle of a region, open borders taken just inside."""
    below_cut = math.nextafter(cut, -math.inf)
    score, base = {
        0: ((cut, None), (None, None)),
        1: ((0.0, below_cut), (None, math.nextafter(known_below, -math.inf))),
        2: ((0.0, below_cut), (known_below, None)),
        3: ((None, math.nextafter(min(cut, 0.0), -math.inf)), (None, None)),
    }[region]
    return Box(domains=(domain,), score=score, base=base)


def _regions(found: Plane, slots: Mapping[str, int]) -> None:
    names = found.grid.names
    rows = []
    for k, name in enumerate(names):
        counts = found.region_counts[k]
        total = max(int(counts.sum()), 1)
        cells: list[view.Node] = []
        for region, n in enumerate(counts.tolist()):
            cells += [
                parts.link(theme.count(n), on=f"{k}-{region}") if n else theme.count(n),
                view.el("span", theme.percent(n / total), cls="muted"),
            ]
        rows.append([parts.swatch(slots.get(name, 0), name), *cells])
    columns = [Column("Domain")]
    for name in REGIONS:
        columns += [Column(name.capitalize(), numeric=True), Column("", 66, numeric=True)]
    clicked = view.show(
        [
            parts.heading("Regions", "a number opens its rows"),
            parts.table(columns, rows, label="Rows of each region by domain"),
        ],
        key="learnability-regions",
    )
    if clicked:
        k, region = (int(part) for part in clicked.split("-"))
        brush.browse(region_box(names[k], region, found.cut, found.known_below))


def cells_csv(grid: Grid) -> Iterator[tuple[object, ...]]:
    """The cells that hold rows."""
    x, y = grid.x_edges.tolist(), grid.y_edges.tolist()
    for k, j, i in np.argwhere(grid.counts).tolist():
        yield grid.names[k], x[i], x[i + 1], y[j], y[j + 1], int(grid.counts[k, j, i])
