"""The forest plot of an experiment as SVG: text that a browser, a printer and a search engine can read.

Written here because none of the installed libraries writes one without a browser: Plotly needs kaleido with Chromium,
and matplotlib would be a dependency of 30 MB for lines and dots.
"""

import unicodedata
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

from lobass_core.validation.forest import BY_THIRDS, VIEWS, Forest, ForestMark, ForestPanel
from lobass_core.validation.judge import Verdict
from lobass_core.validation.report import THIRDS, budget_words
from lobass_core.validation.statistics import Difference

N_COLUMNS, PANEL_WIDTH = 2, 336
GAP, ROW_HEIGHT, PANEL_TOP, PANEL_BOTTOM, TOP, BOTTOM = 28, 24, 34, 34, 64, 58
# Labels are given the room that the longest needs, at this width a letter.
LEAST_LABEL, MOST_LABEL, LETTER_WIDTH, MARGIN = 32, 56, 6.2, 24
# Marks of one arm by length third stand below each other.
_OFFSETS = {1: (0.0,), 2: (-4.0, 4.0), 3: (-6.0, 0.0, 6.0)}
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
STYLE = """
text { font: 12px system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; fill: #171A1F; }
.title { font-size: 15px; font-weight: 600; } .name { font-size: 13px; font-weight: 600; }
.muted, .tick { fill: #5B6370; } .tick { font-size: 11px; }
.ground { fill: #FFFFFF; } .line { stroke: #E1E4E9; } .zero { stroke: #5B6370; stroke-dasharray: 3 3; }
.none { stroke: #5B6370; fill: #FFFFFF; }
.better { stroke: #0F766E; fill: #0F766E; } .worse { stroke: #92400E; fill: #92400E; }
@media (prefers-color-scheme: dark) {
  text { fill: #E6E8EC; } .muted, .tick { fill: #9AA2AF; }
  .ground { fill: #101216; } .line { stroke: #2A2E37; } .zero { stroke: #9AA2AF; }
  .none { stroke: #9AA2AF; fill: #101216; }
  .better { stroke: #2DB5A3; fill: #2DB5A3; } .worse { stroke: #E5A04B; fill: #E5A04B; }
}
"""
_CLASSES: dict[Verdict, str] = {"better": "better", "worse": "worse", "no difference found": "none"}
_LEGEND: dict[Verdict, str] = {
    "better": "better than random",
    "worse": "worse than random",
    "no difference found": "no difference found",
}


def svg(plot: Forest, title: str) -> str:
    """The whole figure as one file that needs nothing else."""
    n_panel_rows = -(-len(plot.panels) // N_COLUMNS)
    n_arms = max((len(panel.rows) for panel in plot.panels), default=0)
    panel_height = PANEL_TOP + n_arms * ROW_HEIGHT + PANEL_BOTTOM
    height = TOP + n_panel_rows * panel_height + BOTTOM
    n_columns = min(N_COLUMNS, max(1, len(plot.panels)))
    longest = max((len(row.label) for panel in plot.panels for row in panel.rows), default=0)
    label_width = round(min(max(longest, LEAST_LABEL), MOST_LABEL) * LETTER_WIDTH + MARGIN)
    width = label_width + N_COLUMNS * (PANEL_WIDTH + GAP)
    panel_width = (width - label_width - GAP * n_columns) / n_columns
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label={quoteattr(_plain(title))}>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
        _text(16, 26, title, "title"),
        _text(16, 46, _subtitle(plot), "muted"),
    ]
    for number, panel in enumerate(plot.panels):
        row, column = divmod(number, N_COLUMNS)
        left = label_width + column * (panel_width + GAP)
        lines += _panel(plot, panel, left, TOP + row * panel_height, panel_width, with_labels=column == 0)
    lines += [*_legend(plot, height - 20), "</svg>"]
    return "\n".join(lines) + "\n"


def _subtitle(plot: Forest) -> str:
    return (
        f"{plot.title[:1].upper()}{plot.title[1:]}, {budget_words(plot.budget)} of the rows, "
        f"{VIEWS[plot.view].lower()}, with 95 % intervals. Better is to the {plot.better_side} of the dashed line."
    )


def _panel(
    plot: Forest, panel: ForestPanel, left: float, top: float, width: float, *, with_labels: bool
) -> Iterator[str]:
    first, last = top + PANEL_TOP, top + PANEL_TOP + len(panel.rows) * ROW_HEIGHT

    def x_of(value: float) -> float:
        return left + width * (min(max(value, -plot.limit), plot.limit) + plot.limit) / (2 * plot.limit)

    yield _text(left, top + 14, panel.name, "name")
    yield _text(left + width, top + 14, f"{panel.n_rows:,} rows", "muted", anchor="end")
    for tick in ticks(plot.limit):
        yield _line(x_of(tick), first, x_of(tick), last, "zero" if tick == 0 else "line")
        yield _text(x_of(tick), last + 16, _signed(tick) if tick else "0", "tick", anchor="middle")
    for place, row in enumerate(panel.rows):
        middle = first + (place + 0.5) * ROW_HEIGHT
        if with_labels:
            label = row.label if len(row.label) <= MOST_LABEL else row.label[: MOST_LABEL - 1] + "…"
            yield _text(left - 12, middle + 4, label, anchor="end")
        for mark, offset in zip(row.marks, _OFFSETS.get(len(row.marks), ()), strict=False):
            yield from _mark(plot, mark, x_of, middle + offset)


def _mark(plot: Forest, mark: ForestMark, x_of: Callable[[float], float], y: float) -> Iterator[str]:
    of, difference = _CLASSES[mark.verdict], mark.difference
    low, high = _signed(difference.low), _signed(difference.high)
    said = f"{_signed(difference.value)} ({low} to {high}) {plot.unit}"
    title = f"<title>{_plain(f'{mark.part} {said}'.strip())}</title>"
    if abs(difference.value) > plot.limit:
        # Beyond the axis: an arrow at its end, with the number.
        side = 1 if difference.value > 0 else -1
        tip = x_of(side * plot.limit)
        points = f"{tip:.1f},{y:.1f} {tip - 7 * side:.1f},{y - 4:.1f} {tip - 7 * side:.1f},{y + 4:.1f}"
        yield f'<g>{title}<polygon class="{of}" points="{points}"/></g>'
        if mark.part not in ("", THIRDS[1]):
            # The numbers of the three would lie over each other; the title of each mark has its own.
            return
        yield _text(tip - 11 * side, y + 4, _signed(difference.value), "muted", anchor="end" if side > 0 else "start")
        return
    yield _line(x_of(difference.low), y, x_of(difference.high), y, of, width=1.6)
    x = x_of(difference.value)
    yield f"<g>{title}{_shape(mark, of, x, y)}</g>"


def _shape(mark: ForestMark, of: str, x: float, y: float) -> str:
    """Better and worse are filled, and of two shapes, so that they do not depend on colour; thirds have three."""
    if mark.verdict == "worse":
        return f'<rect class="{of}" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    if mark.part == THIRDS[0]:
        return f'<polygon class="{of}" points="{x:.1f},{y - 4:.1f} {x - 4:.1f},{y + 3:.1f} {x + 4:.1f},{y + 3:.1f}"/>'
    if mark.part == THIRDS[2]:
        return f'<rect class="{of}" x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>'
    return f'<circle class="{of}" cx="{x:.1f}" cy="{y:.1f}" r="{3 if mark.part else 4}"/>'


def _legend(plot: Forest, y: float) -> Iterator[str]:
    if plot.view == BY_THIRDS:
        yield _text(
            16, y, "In each row from above: the shortest (triangle), middle (circle) and longest third (square) of the "
            "responses. Nothing is claimed of them.", "muted",
        )  # fmt: skip
        return
    for number, (verdict, said) in enumerate(_LEGEND.items()):
        x = 22 + 180 * number
        yield _shape(ForestMark(Difference(0.0, 0.0, 0.0, 1.0), verdict), _CLASSES[verdict], x, y - 4)
        yield _text(x + 12, y, said, "muted")


def ticks(limit: float) -> list[float]:
    """Round numbers from one end of the axis to the other, 0 among them; at most seven."""
    size = 10.0**-12
    while size * 10 <= limit / 3:
        size *= 10
    step = next(size * factor for factor in _STEPS if size * factor * 3.5 >= limit)
    n = int(limit / step + 1e-9)
    return [round(step * number, 12) for number in range(-n, n + 1)]


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "\u2212")


def _line(x1: float, y1: float, x2: float, y2: float, of: str, *, width: float = 1) -> str:
    return f'<line class="{of}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke-width="{width:g}"/>'


def _text(x: float, y: float, text: str, of: str = "", *, anchor: str = "") -> str:
    named = f' class="{of}"' if of else ""
    placed = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}"{placed}>{_plain(text)}</text>'


def _plain(text: str) -> str:
    """Names come from data: no tags, and no character that XML cannot hold."""
    return escape(
        "".join(" " if unicodedata.category(letter) in ("Cc", "Cs", "Cn", "Cf") else letter for letter in text)
    )
