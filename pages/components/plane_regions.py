"""The regions of the loss plane on a panel: borders, limits on the axes, names with shares."""

import math

import numpy as np

from lobass_core.learnability.distributions import Grid, rounded_step
from lobass_core.learnability.regions import FORGOTTEN, HARD, KNOWN, LEARNABLE, REGIONS, Limits
from pages.components import charts, region_labels, theme
from pages.components.charts import Figure
from pages.components.region_labels import Rectangle
from pages.components.theme import Palette

# What a panel at 1280 px measures, and a letter of its 12 px labels: places are found for that, and hold when it grows.
FIGURE_PX, MARGINS_PX, LETTER_PX, LABEL_PX = 1120, 74, 6.4, 19
# A label this near to a side of its panel is held by that side, so many pixels away from it.
NEAR_SIDE, SIDE_PX = 0.02, 3
# Ticks nearer to a limit than these shares of an axis would touch its figure.
NEAR_X, NEAR_Y = 0.1, 0.06


def borders(grid: Grid, k: int, limits: Limits, palette: Palette) -> list[dict]:
    """The limit of learnability, zero, and between them the limit of base loss."""
    x0, x1 = float(grid.x_edges[0]), float(grid.x_edges[-1])
    y0, y1 = float(grid.y_edges[0]), float(grid.y_edges[-1])
    top = max(limits.learnable_from, 0.0)
    line = {"type": "line", "layer": "above", **charts.refs(k)}
    shapes = []
    if y0 < 0 < y1:
        shapes.append(line | {"x0": x0, "x1": x1, "y0": 0, "y1": 0, "line": stroke(palette, 1, "solid")})
    if y0 < top < y1 and top > 0:
        shapes.append(line | {"x0": x0, "x1": x1, "y0": top, "y1": top, "line": stroke(palette, 1.4, "dash")})
    low, high = max(y0, 0.0), min(y1, top)
    if x0 < limits.known_below < x1 and low < high:
        at = {"x0": limits.known_below, "x1": limits.known_below}
        shapes.append(line | at | {"y0": low, "y1": high, "line": stroke(palette, 1.2, "dot")})
    return shapes


def stroke(palette: Palette, width: float, dash: str) -> dict:
    """A line in the colour of text."""
    return {"color": palette.text, "width": width, "dash": dash}


def mark_axes(layout: Figure, grid: Grid, k: int, limits: Limits) -> None:
    """Put both limits of a panel onto its axes, in bold, in the place of the ticks beside them."""
    number = charts.axis_number(k)
    x_axis, y_axis = layout[f"xaxis{number}"], layout[f"yaxis{number}"]
    x_low, x_high = (math.log10(float(edge)) for edge in (grid.x_edges[0], grid.x_edges[-1]))
    y_low, y_high = float(grid.y_edges[0]), float(grid.y_edges[-1])
    x_ticks = [
        (tick, text)
        for tick, text in zip(x_axis["tickvals"], x_axis["ticktext"], strict=True)
        if abs(math.log10(tick) - math.log10(limits.known_below)) > NEAR_X * (x_high - x_low)
    ]
    if x_low < math.log10(limits.known_below) < x_high:
        x_ticks.append((limits.known_below, f"<b>{limits.known_below:.2f}</b>"))
    top = max(limits.learnable_from, 0.0)
    # Beside the first column each panel's limit is all that its axis says: the ticks are those of the first.
    y_ticks = [
        (tick, text)
        for tick, text in (_ticks(y_low, y_high) if y_axis["showticklabels"] else [])
        if abs(tick - top) > NEAR_Y * (y_high - y_low)
    ]
    if y_low <= top <= y_high:
        y_ticks.append((top, f"<b>{theme.number(top, 2)}</b>"))
    for axis, ticks in ((x_axis, x_ticks), (y_axis, y_ticks)):
        axis |= {"tickvals": [tick for tick, _ in ticks], "ticktext": [text for _, text in ticks]}
    y_axis["showticklabels"] = True


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round numbers along an axis, about seven of them, with their texts."""
    step = rounded_step((high - low) / 7)
    digits = max(math.ceil(-math.log10(step) - 1e-9), 0)
    numbers = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [(i * step, theme.number(i * step, digits)) for i in numbers]


def rectangles(grid: Grid, limits: Limits) -> list[Rectangle | None]:
    """The four regions in shares of the panel, None for one that does not show."""
    x_low, x_high = (math.log10(float(edge)) for edge in (grid.x_edges[0], grid.x_edges[-1]))
    y_low, y_high = float(grid.y_edges[0]), float(grid.y_edges[-1])

    def share(value: float, low: float, high: float) -> float:
        return min(max((value - low) / (high - low), 0.0), 1.0)

    known = share(math.log10(limits.known_below), x_low, x_high)
    zero = share(0.0, y_low, y_high)
    top = share(max(limits.learnable_from, 0.0), y_low, y_high)
    by_region = {
        LEARNABLE: Rectangle(0.0, top, 1.0, 1.0),
        KNOWN: Rectangle(0.0, zero, known, top),
        HARD: Rectangle(known, zero, 1.0, top),
        FORGOTTEN: Rectangle(0.0, 0.0, 1.0, zero),
    }
    return [by_region[k] if by_region[k].width > 0 and by_region[k].height > 0 else None for k in range(len(REGIONS))]


def names(grid: Grid, k: int, limits: Limits, shares: np.ndarray, layout: Figure, palette: Palette) -> list[dict]:
    """The name and share of each region, where the fewest rows lie under it."""
    number = charts.axis_number(k)
    across, up = layout[f"xaxis{number}"]["domain"], layout[f"yaxis{number}"]["domain"]
    width, height = (across[1] - across[0]) * FIGURE_PX, (up[1] - up[0]) * (layout["height"] - MARGINS_PX)
    texts = [f"{name} {theme.percent(float(share), 0)}" for name, share in zip(REGIONS, shares, strict=True)]
    sizes = [(min((len(text) * LETTER_PX + 6) / width, 1.0), LABEL_PX / height) for text in texts]
    places = region_labels.placed(grid.counts[k], rectangles(grid, limits), sizes)
    ground = "rgba(255,255,255,0.8)" if palette.kind == "light" else "rgba(16,18,22,0.78)"
    text = {"showarrow": False, "font": {"size": 12, "color": palette.text}, "bgcolor": ground, "borderpad": 1}
    axes = {"xref": f"x{number} domain", "yref": f"y{number} domain", "yanchor": "middle"}
    return [
        text | axes | held_across(at) | {"y": (at.bottom + at.top) / 2, "text": name}
        for at, name in zip(places, texts, strict=True)
        if at is not None
    ]


def held_across(at: Rectangle) -> dict:
    """Where a label is held: at a side of the panel by that side, or a narrower window would push it over the axis."""
    if at.left < NEAR_SIDE:
        return {"xanchor": "left", "x": 0.0, "xshift": SIDE_PX}
    if at.right > 1 - NEAR_SIDE:
        return {"xanchor": "right", "x": 1.0, "xshift": -SIDE_PX}
    return {"xanchor": "center", "x": (at.left + at.right) / 2}
