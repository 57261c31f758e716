"""One measure by domain: step lines for one or two domains, ridges from three on, with a brush along the axis.

    distribution_chart.show(
        distribution_chart.payload(shape, form="density", ...), key="learnability.distribution", on_brush=brushed
    )

An SVG of our own: a first visit waits for no charting library, the brush works with arrow keys, and it stays on the
chart when the page comes back. Bins travel, never rows.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.components.distribution_chart.payload import MOST_LINES, Form, payload

__all__ = ["MOST_LINES", "Form", "brushed", "payload", "show"]

_FOLDER = Path(__file__).parent
# One module in the browser: each file is plain functions, the last one has the entry point.
_SCRIPTS = (
    "../elements.js",
    "../domain_colours.js",
    "../when_gone.js",
    "../cut_instrument/format.js",
    "plot.js",
    "picture.js",
    "chart.js",
)
_MOUNT = st.components.v2.component(
    "lobass_distribution_chart",
    html='<div class="distribution"></div>',
    css=(_FOLDER / "chart.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


def show(data: dict[str, object], *, key: str, on_brush: Callable[[], None]) -> None:
    """Mount the chart; `on_brush` runs before the page does and reads the range with `brushed(key)`."""
    _MOUNT(key=key, data=data, width="stretch", height="content", on_brush_change=on_brush)


def brushed(key: str) -> tuple[int, tuple[float, float] | None] | None:
    """Inside `on_brush`: the browser's number of this brush and its range, None for none; None for a malformed message.

    The ends are unrounded, or rows at the edge of the brush would be lost.
    """
    message = getattr(st.session_state.get(key), "brush", None)
    if not isinstance(message, dict):
        return None
    try:
        ends = message["range"]
        return int(message["seq"]), None if ends is None else (float(min(ends)), float(max(ends)))
    except (KeyError, TypeError, ValueError):
        return None
