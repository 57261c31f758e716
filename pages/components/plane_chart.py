"""Two values of every row as shaded cells, one panel a domain: the loss plane and its regions, score against length."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lobass_core.learnability.distributions import REGIONS, BinMedians, Grid
from pages.components import charts, theme
from pages.components.charts import Figure
from pages.components.theme import Palette

# One row of panels leaves room for the table under it at 800 px.
LOW, TALL = 410, 480
SHADES = {
    "light": ("#EEF6F5", "#B9DAD7", "#75B4AF", "#338A84", "#0F766E", "#074440"),
    "dark": ("#15312F", "#174541", "#1D706A", "#279E92", "#6CCFC1", "#D5F5EF"),
}


def figure(
    grid: Grid,
    *,
    slots: Mapping[str, int],
    x_title: str,
    y_title: str,
    log_y: bool = False,
    whole_x: bool = False,
    cut: float | None = None,
    known_below: float | None = None,
    shares: np.ndarray | None = None,
    diagonal: bool = False,
    lines: Sequence[BinMedians] = (),
    rhos: Sequence[float | None] = (),
) -> Figure:
    """One panel a domain, shaded by the share of its rows, with what the arguments add.

    `cut` and `known_below` draw the borders of the regions, `shares` (float64[domains, 4]) writes their names and
    shares into the corners; `lines` draws medians with quartiles, `rhos` prints correlations, `diagonal` draws y = x.
    """
    palette = theme.palette()
    totals = grid.counts.sum(axis=(1, 2)) + grid.n_beyond
    traces = [_cells(grid, k, int(totals[k]), palette) for k in range(len(grid.names))]
    for k, line in enumerate(lines):
        traces += _median_line(line, palette, panel=k)
    titles = [
        charts.panel_title(name, int(totals[k]), slots, palette, _rho(rhos[k]) if rhos else "")
        for k, name in enumerate(grid.names)
    ]
    x_axis = charts.axis(palette, x_title, log=True, whole=whole_x) | {"range": _log_range(grid.x_edges)}
    y_range = _log_range(grid.y_edges) if log_y else [float(grid.y_edges[0]), float(grid.y_edges[-1])]
    y_axis = charts.axis(palette, y_title, log=log_y) | {"range": y_range}
    layout = charts.panels(titles, x_axis, y_axis, palette, height=LOW if len(grid.names) <= 3 else TALL, share_y=True)
    shapes: list[dict] = []
    for k in range(len(grid.names)):
        if diagonal:
            shapes.append(_diagonal(grid, k, palette))
        if cut is not None:
            shapes += _borders(grid, k, cut, known_below, palette)
        if shares is not None:
            layout["annotations"] += _region_names(shares[k], k, palette)
    layout["shapes"] = shapes
    return {"data": traces, "layout": layout}


def ranks(grid: Grid, *, x_title: str, y_title: str, height: int = 400) -> Figure:
    """One square of percentiles with its diagonal; the one group is all rows."""
    palette = theme.palette()
    percent = {"tickformat": ".0%", "range": [0, 1]}
    frame = charts.layout(palette, height) | {
        "xaxis": charts.axis(palette, x_title) | percent | {"constrain": "domain"},
        "yaxis": charts.axis(palette, y_title) | percent | {"scaleanchor": "x", "constrain": "domain"},
        "shapes": [_diagonal(grid, 0, palette)],
        "dragmode": False,
    }
    cells = _cells(grid, 0, int(grid.counts.sum()), palette)
    cells["colorbar"] |= {"title": cells["colorbar"]["title"] | {"text": "% of rows"}}
    cells["hovertemplate"] = "%{x:.0%}, %{y:.0%}<br>%{customdata:,} rows<extra></extra>"
    return {"data": [cells], "layout": frame}


def _cells(grid: Grid, k: int, total: int, palette: Palette) -> dict:
    """A heat map over the logarithm of the share, so that the thin parts of a domain show."""
    percent = grid.counts[k] / max(total, 1) * 100
    with np.errstate(divide="ignore"):
        shade = np.where(grid.counts[k] > 0, np.log10(percent), np.nan)
    colours = SHADES[palette.kind]
    return {
        "type": "heatmap",
        "x": grid.x_edges.tolist(),
        "y": grid.y_edges.tolist(),
        "z": [[None if math.isnan(value) else round(value, 4) for value in row] for row in shade.tolist()],
        "customdata": grid.counts[k].tolist(),
        "zmin": -2,
        "zmax": 0.5,
        "colorscale": [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)],
        "showscale": k == 0,
        "colorbar": {
            "title": {"text": "% of domain", "side": "top", "font": {"size": 11}},
            "tickvals": [-2, -1, 0],
            "ticktext": ["0.01", "0.1", "1"],
            "thickness": 8,
            "len": 0.5,
            "outlinewidth": 0,
            "x": 1.01,
            "tickfont": {"size": 11},
        },
        "hovertemplate": "%{x:.3g}, %{y:.3g}<br>%{customdata:,} rows<extra></extra>",
        **charts.axes_of(k),
    }


def _median_line(line: BinMedians, palette: Palette, *, panel: int) -> list[dict]:
    middle = np.sqrt(line.edges[:-1] * line.edges[1:])
    shown = ~np.isnan(line.median)
    x = middle[shown].tolist()
    common = {"type": "scatter", "mode": "lines", "x": x, "showlegend": False, **charts.axes_of(panel)}
    quartile = {"color": palette.text, "width": 1, "dash": "dot"}
    return [
        common | {"y": line.lower[shown].tolist(), "line": quartile, "hoverinfo": "skip"},
        common | {"y": line.upper[shown].tolist(), "line": quartile, "hoverinfo": "skip"},
        common
        | {
            "y": line.median[shown].tolist(),
            "line": {"color": palette.text, "width": 2},
            "hovertemplate": "about %{x:.0f} tokens<br>median %{y:.3f}<extra></extra>",
        },
    ]


def _borders(grid: Grid, k: int, cut: float, known_below: float | None, palette: Palette) -> list[dict]:
    """The cut, zero, and between them the border of what the base knows."""
    x0, x1 = float(grid.x_edges[0]), float(grid.x_edges[-1])
    line = {"type": "line", "layer": "above", **charts.refs(k)}
    shapes = [line | {"x0": x0, "x1": x1, "y0": cut, "y1": cut, "line": _stroke(palette, 1.4, "dash")}]
    if cut > 0:
        shapes.append(line | {"x0": x0, "x1": x1, "y0": 0, "y1": 0, "line": _stroke(palette, 1, "solid")})
        if known_below is not None and x0 < known_below < x1:
            between = {"x0": known_below, "x1": known_below, "y0": 0, "y1": cut, "line": _stroke(palette, 1, "dot")}
            shapes.append(line | between)
    return shapes


def _stroke(palette: Palette, width: float, dash: str) -> dict:
    return {"color": palette.text, "width": width, "dash": dash}


def _diagonal(grid: Grid, k: int, palette: Palette) -> dict:
    low = float(max(grid.x_edges[0], grid.y_edges[0]))
    high = float(min(grid.x_edges[-1], grid.y_edges[-1]))
    line = _stroke(palette, 1, "dot")
    return {
        "type": "line",
        "layer": "above",
        "x0": low,
        "x1": high,
        "y0": low,
        "y1": high,
        "line": line,
        **charts.refs(k),
    }


def _region_names(shares: np.ndarray, k: int, palette: Palette) -> list[dict]:
    """Names with shares in the corners: learnable top right, known and hard at the bottom of the middle, forgotten."""
    axes = {"xref": f"x{charts.axis_number(k)} domain", "yref": f"y{charts.axis_number(k)} domain"}
    ground = "rgba(255,255,255,0.72)" if palette.kind == "light" else "rgba(16,18,22,0.7)"
    text = {"showarrow": False, "font": {"size": 12, "color": palette.text}, "bgcolor": ground, "borderpad": 2, **axes}
    corners = {0: (0.985, 0.98, "right", "top"), 3: (0.985, 0.02, "right", "bottom")}
    names = [f"{name} {theme.percent(float(share), 0)}" for name, share in zip(REGIONS, shares, strict=True)]
    notes = [
        text | {"x": x, "y": y, "xanchor": x_anchor, "yanchor": y_anchor, "text": names[region]}
        for region, (x, y, x_anchor, y_anchor) in corners.items()
    ]
    # The middle band's names stand on the zero line, wherever that is on the axis.
    middle = text | {"yref": f"y{charts.axis_number(k)}", "y": 0, "yanchor": "bottom"}
    notes.append(middle | {"x": 0.015, "xanchor": "left", "text": names[1]})
    notes.append(middle | {"x": 0.985, "xanchor": "right", "text": names[2]})
    return notes


def _rho(rho: float | None) -> str:
    return "" if rho is None else f"ρ {theme.signed(rho)}"


def _log_range(edges: np.ndarray) -> list[float]:
    return [math.log10(float(edges[0])), math.log10(float(edges[-1]))]
