"""Two values of every row as shaded cells, one panel per domain: the loss plane, or score against length."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lobass_core.learnability.distributions import BinMedians, Grid
from lobass_core.learnability.regions import Limits
from pages.components import charts, plane_regions, theme
from pages.components.charts import Figure
from pages.components.theme import Palette

# Percent of a domain, as logarithms, that the shades reach from and to. Where one row of a small project is more than
# the lower end, they begin there: few rows are not all dark then.
LEAST_SHADE, MOST_SHADE = -2.0, 0.5
SHADE_TICKS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
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
    limits: Sequence[Limits] = (),
    shares: np.ndarray | None = None,
    diagonal: bool = False,
    lines: Sequence[BinMedians] = (),
    rhos: Sequence[float | None] = (),
) -> Figure:
    """One panel a domain, shaded by the share of its rows, with what the arguments add.

    `limits` (one a domain) draws the borders of the regions and puts them onto the axes, `shares` (float64[domains, 4])
    writes their names and shares beside them; `lines` draws medians with quartiles, `rhos` prints correlations,
    `diagonal` draws y = x.
    """
    palette = theme.palette()
    totals = grid.counts.sum(axis=(1, 2)) + grid.n_beyond
    least = _least_shade(totals)
    traces = [_cells(grid, k, int(totals[k]), palette, least) for k in range(len(grid.names))]
    for k, line in enumerate(lines):
        traces += _median_line(line, palette, panel=k)
    titles = [
        charts.panel_title(name, int(totals[k]), slots, palette, _rho(rhos[k]) if rhos else "")
        for k, name in enumerate(grid.names)
    ]
    x_axis = charts.axis(palette, x_title, log=True, whole=whole_x) | {"range": _log_range(grid.x_edges)}
    y_range = _log_range(grid.y_edges) if log_y else [float(grid.y_edges[0]), float(grid.y_edges[-1])]
    y_axis = charts.axis(palette, y_title, log=log_y) | {"range": y_range}
    layout = charts.panels(titles, x_axis, y_axis, palette, height=LOW if len(grid.names) <= 3 else TALL)
    shapes: list[dict] = []
    for k in range(len(grid.names)):
        if diagonal:
            shapes.append(_diagonal(grid, k, palette))
        if limits:
            shapes += plane_regions.borders(grid, k, limits[k], palette)
            plane_regions.mark_axes(layout, grid, k, limits[k])
        if limits and shares is not None:
            layout["annotations"] += plane_regions.names(grid, k, limits[k], shares[k], layout, palette)
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
    cells = _cells(grid, 0, int(grid.counts.sum()), palette, _least_shade(grid.counts.sum(keepdims=True)))
    cells["colorbar"] |= {"title": cells["colorbar"]["title"] | {"text": "% of rows"}}
    cells["hovertemplate"] = "%{x:.0%}, %{y:.0%}<br>%{customdata:,} rows<extra></extra>"
    return {"data": [cells], "layout": frame}


def _least_shade(totals: np.ndarray) -> float:
    """The logarithm of what one row of the largest domain is of it, in percent, within what shades can show."""
    one_row = math.log10(100 / max(int(totals.max(initial=1)), 1))
    return min(max(one_row, LEAST_SHADE), MOST_SHADE - 1)


def _cells(grid: Grid, k: int, total: int, palette: Palette, least: float) -> dict:
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
        "zmin": least,
        "zmax": MOST_SHADE,
        "colorscale": [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)],
        "showscale": k == 0,
        "colorbar": {
            "title": {"text": "% of domain", "side": "top", "font": {"size": 11}},
            "tickvals": [math.log10(share) for share in _ticks(least)],
            "ticktext": [f"{share:g}" for share in _ticks(least)],
            "thickness": 8,
            "len": 0.5,
            "outlinewidth": 0,
            "x": 1.01,
            "tickfont": {"size": 11},
        },
        "hovertemplate": "%{x:.3g}, %{y:.3g}<br>%{customdata:,} rows<extra></extra>",
        **charts.axes_of(k),
    }


def _ticks(least: float) -> list[float]:
    """Shares on the colour bar; a short one has room for more."""
    shares = SHADE_TICKS if least > -1 else SHADE_TICKS[::2]
    return [share for share in shares if math.log10(share) >= least - 1e-9]


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


def _diagonal(grid: Grid, k: int, palette: Palette) -> dict:
    low = float(max(grid.x_edges[0], grid.y_edges[0]))
    high = float(min(grid.x_edges[-1], grid.y_edges[-1]))
    line = plane_regions.stroke(palette, 1, "dot")
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


def _rho(rho: float | None) -> str:
    return "" if rho is None else f"ρ {theme.signed(rho)}"


def _log_range(edges: np.ndarray) -> list[float]:
    return [math.log10(float(edges[0])), math.log10(float(edges[-1]))]
