"""The forest plot of an experiment as a Plotly figure: one panel for each held-out set, one line for each arm."""

from lobass_core.validation.figure import ticks
from lobass_core.validation.forest import Forest, ForestMark, ForestPanel, ForestRow
from lobass_core.validation.report import THIRDS
from pages.components import charts, theme
from pages.components.charts import Figure
from pages.components.theme import Palette

ROW_PX, FRAME_PX, LABEL_PX = 24, 96, 250
MOST_LABEL = 38
# By verdict: what is claimed is filled, and better and worse differ by shape too.
SYMBOLS = {"better": "circle", "worse": "square", "no difference found": "circle-open"}
THIRD_SYMBOLS = dict(zip(THIRDS, ("triangle-up-open", "circle-open", "square-open"), strict=True))
_OFFSETS = dict(zip(THIRDS, (-0.25, 0.0, 0.25), strict=True))


def figure(plot: Forest) -> Figure:
    """Arms from the top down in the order of the report, random draws at 0."""
    palette = theme.palette()
    titles = [f"<b>{charts.plain(panel.name)}</b>  {theme.count(panel.n_rows)} rows" for panel in plot.panels]
    n_rows = max((len(panel.rows) for panel in plot.panels), default=1)
    at = ticks(plot.limit)
    x = charts.axis(palette, plot.title) | {
        "range": [-plot.limit, plot.limit],
        "fixedrange": True,
        "zeroline": True,
        "zerolinecolor": palette.muted,
        "zerolinewidth": 1.5,
        "tickvals": at,
        "ticktext": [f"{tick:+g}".replace("-", "−") if tick else "0" for tick in at],
    }
    y = charts.axis(palette, "") | {
        "range": [n_rows - 0.4, -0.6],
        "tickvals": list(range(n_rows)),
        "ticktext": [_short(row.label) for row in plot.panels[0].rows] if plot.panels else [],
        "fixedrange": True,
        "showgrid": False,
    }
    n_panel_rows = -(-len(plot.panels) // (2 if len(plot.panels) == 4 else 3))
    layout = charts.panels(titles, x, y, palette, height=n_panel_rows * (n_rows * ROW_PX + FRAME_PX))
    layout |= {"dragmode": False, "margin": {"l": LABEL_PX, "r": 16, "t": 30, "b": 44}}
    data = []
    for number, panel in enumerate(plot.panels):
        data += _traces(plot, panel, number, palette)
    return {"data": data, "layout": layout}


def _traces(plot: Forest, panel: ForestPanel, number: int, palette: Palette) -> list[dict]:
    """One trace for each look of a mark, so that the browser draws few of them."""
    groups: dict[tuple[str, str], list[tuple[int, ForestRow, ForestMark]]] = {}
    for place, row in enumerate(panel.rows):
        for mark in row.marks:
            groups.setdefault((mark.verdict, mark.part), []).append((place, row, mark))
    return [_trace(plot, verdict, part, marks, number, palette) for (verdict, part), marks in groups.items()]


def _trace(
    plot: Forest,
    verdict: str,
    part: str,
    marks: list[tuple[int, ForestRow, ForestMark]],
    number: int,
    palette: Palette,
) -> dict:
    colour = {"better": palette.kept, "worse": palette.amber}.get(verdict, palette.muted)
    values = [mark.difference for _, _, mark in marks]
    inside = [min(max(one.value, -plot.limit), plot.limit) for one in values]
    beyond = [abs(one.value) > plot.limit for one in values]
    symbol = THIRD_SYMBOLS.get(part, SYMBOLS[verdict])
    arrows = ["triangle-right" if one.value > 0 else "triangle-left" for one in values]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": inside,
        "y": [place + _OFFSETS.get(part, 0.0) for place, _, _ in marks],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [0 if far else one.high - one.value for far, one in zip(beyond, values, strict=True)],
            "arrayminus": [0 if far else one.value - one.low for far, one in zip(beyond, values, strict=True)],
            "color": colour,
            "thickness": 1.6,
            "width": 0,
        },
        "marker": {
            "symbol": [arrow if far else symbol for far, arrow in zip(beyond, arrows, strict=True)],
            "size": 8 if part else 9,
            "color": colour,
        },
        # An arm beyond the axis stands at its end, with its number.
        "text": [theme.signed(one.value) + "  " if far else "" for far, one in zip(beyond, values, strict=True)],
        "textposition": ["middle left" if one.value > 0 else "middle right" for one in values],
        "textfont": {"size": 11, "color": palette.muted},
        "hovertext": [_hover(row, mark) for _, row, mark in marks],
        "hoverinfo": "text",
        "showlegend": False,
        "cliponaxis": False,
        **charts.axes_of(number),
    }


def _hover(row: ForestRow, mark: ForestMark) -> str:
    difference = mark.difference
    lines = [f"<b>{charts.plain(row.label)}</b>{', ' + mark.part if mark.part else ''}"]
    if not mark.part:
        lines.append(row.said)
    value, low, high = (theme.signed(one, 3) for one in (difference.value, difference.low, difference.high))
    lines.append(f"{value}  ({low} to {high})")
    if not mark.part:
        lines.append(f"{mark.verdict}, corrected p {theme.number(row.p_adjusted)}")
    return "<br>".join(lines)


def _short(label: str) -> str:
    shown = label if len(label) <= MOST_LABEL else label[: MOST_LABEL - 1] + "…"
    return charts.plain(shown)
