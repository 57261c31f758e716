"""What all Plotly charts share: the toolbar, the brush, and a layout in the theme's colours.

    figure = plane_chart.figure(grid, slots=slots, x_title="base loss", y_title="learnability")
    charts.show(figure, key="learnability.plane", name="loss-plane", alt="...", picture="svg", on_brush=brushed)

Figures are plain dicts and carry bins, never rows. A brush comes back as `Brush(panel, x, y)` in units of the axes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from pages.components import theme
from pages.components.theme import Palette

Figure = dict[str, Any]
Picture = Literal["png", "svg"]

FONT = "Source Sans, Source Sans Pro, sans-serif"


@dataclass(frozen=True, slots=True)
class Brush:
    """A box drawn on a figure: panel from 0, limits in ascending order, None where the box spans the whole axis."""

    panel: int
    x: tuple[float, float] | None
    y: tuple[float, float] | None


def show(
    figure: Figure,
    *,
    key: str,
    name: str,
    alt: str,
    picture: Picture = "png",
    on_brush: Callable[[Brush | None], None] | None = None,
    revision: int = 0,
    fills: bool = True,
) -> None:
    """Draw a figure. `name` is the file name of its picture; `on_brush` is told of each box, None when taken off.
    Another `revision` draws the figure anew, without the box that was on it. One row of plots `fills` what a tall
    window has left; else the figure keeps its own height.

    The brush is handed over in the callback because any change of the figure drops Plotly's own selection silently.
    """
    config = {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtonsToRemove": ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "lasso2d"],
        "toImageButtonOptions": {"format": picture, "filename": name, "scale": 2 if picture == "png" else 1},
    }
    chart: dict[str, Any] = {"key": key, "theme": None, "config": config, "alt": alt}
    if on_brush is not None:
        figure["layout"] |= {"selectionrevision": revision}
        chart |= {"on_select": lambda: on_brush(brush_of(st.session_state.get(key))), "selection_mode": "box"}
    if not fills or figure["layout"].get("height", 0) > theme.ONE_ROW_PX:
        st.plotly_chart(figure, **chart)
        return
    with st.container(key=theme.TALL_KEY + key.replace(".", "-"), height="stretch"):
        del figure["layout"]["height"]
        st.plotly_chart(figure, height="stretch", **chart)


def brush_of(state: Any) -> Brush | None:
    """The box in what a chart put into the session, None without one."""
    boxes = state["selection"]["box"] if state else []
    if not boxes:
        return None
    box = boxes[-1]
    panel = int(str(box.get("xref", "x"))[1:] or 1) - 1
    return Brush(panel, _limits(box.get("x")), _limits(box.get("y")))


def _limits(values: Sequence[float] | None) -> tuple[float, float] | None:
    """Ascending: y arrives from the top down. Unrounded, or rows at the edge of the box would be lost."""
    if not values or len(values) < 2:
        return None
    return float(min(values)), float(max(values))


def layout(palette: Palette, height: int) -> dict:
    """Transparent ground, quiet tools, a brush in the colour of what is kept."""
    return {
        "height": height,
        "margin": {"l": 52, "r": 12, "t": 30, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": palette.text},
        "hoverlabel": {
            "bgcolor": palette.ground,
            "bordercolor": palette.border,
            "font": {"family": FONT, "size": 12, "color": palette.text},
        },
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": palette.muted, "activecolor": palette.kept},
        "newselection": {"line": {"color": palette.text, "width": 1.5, "dash": "solid"}},
        "activeselection": {"fillcolor": palette.text, "opacity": 0.08},
        "dragmode": "select",
        "separators": ".,",
        "uirevision": "keep",
    }


def axis(palette: Palette, title: str, *, log: bool = False, whole: bool = False) -> dict:
    """Hairlines and small muted figures; `log` ticks at 1, 2 and 5 of each decade, `whole` from 1 on."""
    settings = {
        "title": {"text": title, "font": {"size": 12, "color": palette.muted}, "standoff": 8},
        "gridcolor": palette.border,
        "linecolor": palette.border,
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": palette.border,
        "tickfont": {"size": 11, "color": palette.muted},
    }
    if log:
        ticks = [factor * 10.0**power for power in range(0 if whole else -4, 6) for factor in (1, 2, 5)]
        settings |= {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:,g}" for tick in ticks]}
    return settings


def panels(titles: Sequence[str], x_axis: dict, y_axis: dict, palette: Palette, *, height: int) -> dict:
    """A layout of small plots, three in a row at most (four from ten on), titles above, axis titles at the rim.

    The heights of all mean the same, so the ticks of y stand beside the first column alone.
    """
    n = max(len(titles), 1)
    n_columns = min(n, 3 if n < 10 else 4) if n != 4 else 2
    n_rows = math.ceil(n / n_columns)
    # Room below and above each plot in px, as shares of the figure; one row of plots uses all the height.
    height = max(height, 240 * n_rows)
    gap_x, gap_y = 0.04, 58 / height
    width = (1 - gap_x * (n_columns - 1)) / n_columns
    tall = (1 - gap_y * (n_rows - 1)) / n_rows
    frame = layout(palette, height) | {"showlegend": False, "annotations": []}
    for k, title in enumerate(titles):
        row, column = divmod(k, n_columns)
        x0, y1 = column * (width + gap_x), 1 - row * (tall + gap_y)
        bottom = k + n_columns >= n
        frame[f"xaxis{axis_number(k)}"] = x_axis | {
            "domain": [x0, x0 + width],
            "anchor": f"y{axis_number(k)}",
            "title": x_axis["title"] if bottom else {"text": ""},
        }
        frame[f"yaxis{axis_number(k)}"] = y_axis | {
            "domain": [max(y1 - tall, 0.0), y1],
            "anchor": f"x{axis_number(k)}",
            "title": y_axis["title"] if column == 0 else {"text": ""},
            "showticklabels": column == 0,
        }
        frame["annotations"].append(
            {
                "text": title,
                "x": x0,
                "y": y1,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "yshift": 3,
                "showarrow": False,
                "font": {"size": 13},
            }
        )
    return frame


def panel_title(name: str, n: int, slots: Mapping[str, int], palette: Palette, note: str = "") -> str:
    """Swatch, name, number of rows, and what is worth saying of the domain."""
    colour = palette.domains[slots.get(name, 0) % len(palette.domains)]
    rest = f"{theme.count(n)}" + (f" · {note}" if note else "")
    muted = f'<span style="color:{palette.muted}">{rest}</span>'
    return f'<span style="color:{colour}">■</span> <b>{plain(name)}</b>  {muted}'


def plain(text: str) -> str:
    """Names are data: Plotly reads some tags in labels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def axis_number(panel: int) -> str:
    """Plotly counts axes x, x2, x3."""
    return "" if panel == 0 else str(panel + 1)


def axes_of(panel: int) -> dict:
    """What ties a trace to its panel."""
    return {"xaxis": f"x{axis_number(panel)}", "yaxis": f"y{axis_number(panel)}"}


def refs(panel: int) -> dict:
    """What ties a shape to its panel."""
    return {"xref": f"x{axis_number(panel)}", "yref": f"y{axis_number(panel)}"}
