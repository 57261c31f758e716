"""One measure by domain: step lines on one plot, or small multiples where lines cannot be told apart."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from lobass_core.learnability.distributions import Distribution
from pages.components import charts, theme
from pages.components.charts import Figure
from pages.components.theme import Palette

Form = Literal["density", "count", "cumulative"]

MOST_LINES = 6
# Under this many rows a histogram is mostly noise: its line is drawn thin and does not set the scale.
FIRM_ROWS = 500


def figure(
    shape: Distribution,
    *,
    form: Form,
    slots: Mapping[str, int],
    title: str,
    log_x: bool = False,
    legend_left: bool = False,
    height: int = 440,
) -> Figure:
    """Lines of all domains on one plot up to six of them, else one small plot a domain."""
    palette = theme.palette()
    x_axis = charts.axis(palette, title, log=log_x, whole=log_x)
    y_axis = charts.axis(
        palette, {"density": "density", "count": "rows", "cumulative": "rows below"}[form], at_zero=True
    )
    if form == "density":
        # Its unit says nothing to a reader: the area under each line is 1.
        y_axis |= {"showticklabels": False, "ticks": "", "showgrid": False}
    if form == "cumulative":
        y_axis |= {"tickformat": ".0%", "range": [0, 1.02]}
    x, y = _line(shape, form, log_x)
    firm = shape.n >= FIRM_ROWS
    if form == "density" and firm.any():
        # The noise of a small domain shall not press the others flat.
        y_axis |= {"range": [0, 1.08 * float(y[firm].max())]}
    multiples = len(shape.names) > MOST_LINES
    traces = [_trace(shape, k, x, y[k], form, slots, palette, panel=k if multiples else 0) for k in range(len(y))]
    if multiples:
        titles = [charts.panel_title(name, int(shape.n[k]), slots, palette) for k, name in enumerate(shape.names)]
        frame = charts.panels(titles, x_axis, y_axis, palette, height=height, share_y=form == "cumulative")
    else:
        # Scores pile up on the right, losses on the left, and a cumulative line ends at the top.
        place = {"x": 0.01, "xanchor": "left"} if legend_left else {"x": 0.99, "xanchor": "right"}
        if form == "cumulative":
            place = {"x": 0.99, "xanchor": "right", "y": 0.02, "yanchor": "bottom"}
        legend = {"y": 1, "bgcolor": "rgba(0,0,0,0)", "font": {"size": 12}} | place
        frame = charts.layout(palette, height) | {
            "xaxis": x_axis,
            "yaxis": y_axis,
            "legend": legend,
            "showlegend": True,
        }
    return {"data": traces, "layout": frame | {"selectdirection": "h"}}


def _line(shape: Distribution, form: Form, log_x: bool) -> tuple[np.ndarray, np.ndarray]:
    """x[m] and y[domains, m]: a value for each edge, or steps that hold from edge to edge."""
    if form == "cumulative":
        return shape.edges, shape.cumulative()
    values = shape.density(per_decade=log_x) if form == "density" else shape.counts
    return np.repeat(shape.edges, 2)[1:-1], np.repeat(values, 2, axis=1)


def _trace(
    shape: Distribution,
    k: int,
    x: np.ndarray,
    y: np.ndarray,
    form: Form,
    slots: Mapping[str, int],
    palette: Palette,
    *,
    panel: int,
) -> dict:
    name = charts.plain(shape.names[k])
    shown = {"density": "density %{y:.3g}", "count": "%{y:,} rows", "cumulative": "%{y:.1%} below"}[form]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{name} · {theme.count(shape.n[k])} · median {theme.number(float(shape.median[k]), 2)}",
        "x": x.tolist(),
        "y": y.tolist(),
        "line": {
            "color": palette.domains[slots.get(shape.names[k], k) % len(palette.domains)],
            "width": 2 if shape.n[k] >= FIRM_ROWS else 1,
        },
        "hovertemplate": f"{name}<br>at %{{x:.3g}}: {shown}<extra></extra>",
        **charts.axes_of(panel),
    }
