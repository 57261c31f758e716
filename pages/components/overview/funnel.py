"""The rows of each domain: imported, scored, selected, exported, and the small ridge with its cut.

    imported    scored      selected    exported     learnability
    ████████████████████▇▅▃
    ████████████████████████▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂         ▁▂▅▇▅▂|▁

A ribbon's height is the share of the domain's rows that got so far; the solid core is what is selected. The shapes
stretch with the page, so the hatch is the ground's and the drawing covers what lies above the shape: a stretched
pattern would lie at another angle in every row.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.distributions import Distribution, rounded_step
from lobass_core.learnability.measures import title_of
from lobass_core.workflows.project_status import DomainStatus, SelectionStatus
from pages.components import parts, theme
from pages.components.view import Node, el

# Shares of the width: the strip of key numbers above has the same, so that columns stand under their numbers.
DOMAIN_WEIGHT, STATION_WEIGHT, RIDGE_WEIGHT = 12.0, 14.4, 30.4
STATIONS = 4
# Padding and border of one cell of the strip, which the four stations' container has to make up for.
CELL_EDGES_PX = 25
# In a drawing 400 wide: where a ribbon begins to narrow, and where it has become the next station's.
NARROWS_AT, NARROWED_AT = 55.0, 98.0
# A share that is not nothing stays visible.
THINNEST = 4.0
MOST_DOMAINS = 12


def funnel(
    domains: Sequence[DomainStatus],
    slots: Mapping[str, int],
    *,
    ridges: Distribution | None,
    selection: SelectionStatus | None,
    measure: str = "learnability",
    higher_is_better: bool = True,
) -> Node:
    """All domains, largest first; `ridges` has one group a domain, of `measure`. Clicks are "score" and "domain-N"."""
    ordered = sorted(domains, key=lambda domain: -domain.n_rows)
    shown = ordered[:MOST_DOMAINS]
    by_score = selection is not None and selection.method == measure
    cuts = dict(selection.cuts) if selection and by_score else {}
    shown_ridges = _Ridges(ridges, cuts, measure, higher_is_better)
    rows = [_row(domain, index, slots, shown_ridges) for index, domain in enumerate(shown)]
    left_out = len(ordered) - len(shown)
    more = el("div", f"and {left_out} smaller domains", cls="muted more") if left_out else None
    return el("div", _head(ridges, selection, measure), *rows, more, _axis(ridges) if ridges else None, cls="funnel")


def largest_first(domains: Sequence[DomainStatus]) -> list[str]:
    """Names in the order in which `funnel` numbers its clicks."""
    return [domain.domain for domain in sorted(domains, key=lambda domain: -domain.n_rows)]


@dataclass(frozen=True, slots=True, eq=False)
class _Ridges:
    """What the ridge of a domain is drawn from; `cuts` are those of the selection, by domain."""

    distribution: Distribution | None
    cuts: Mapping[str, float]
    measure: str
    higher_is_better: bool


def _head(ridges: Distribution | None, selection: SelectionStatus | None, measure: str) -> Node:
    cut: Node | None = None
    if selection is not None and selection.method != measure:
        cut = f", selected by {selection.method}"
    elif selection is not None and selection.threshold is not None:
        cut = el("span", ", cut at ", el("b", theme.figure(selection.threshold)))
    elif selection is not None and selection.cuts:
        cut = ", each with its cut"
    return el(
        "div",
        _lane("Domain", weight=DOMAIN_WEIGHT, cls="lane flush"),
        _stations("Rows: solid = selected, hatched = not selected. Each domain has its own scale."),
        _lane(
            title_of(measure) if ridges else "",
            cut if ridges else None,
            weight=RIDGE_WEIGHT,
            cls="lane ridge-lane",
        ),
        cls="way head",
    )


def _row(
    domain: DomainStatus,
    index: int,
    slots: Mapping[str, int],
    ridges: _Ridges,
) -> Node:
    n_files = "1 dataset" if domain.n_datasets == 1 else f"{domain.n_datasets} datasets"
    # Only scored rows are counted: where others are left, there are more.
    more = "" if domain.n_scored == domain.n_rows else "+"
    tokens = f" · {theme.compact(domain.n_tokens)}{more}\u00a0tok" if domain.n_tokens else ""
    name = el(
        "div",
        el(
            "div",
            parts.swatch(slots.get(domain.domain, 0), ""),
            el("button", domain.domain, cls="name ellipsis", on=f"domain-{index}", title=domain.domain, dir="auto"),
            cls="row tight",
        ),
        el("div", n_files + tokens, cls="note ellipsis"),
        cls="domain",
    )
    return el(
        "div",
        _lane(name, weight=DOMAIN_WEIGHT, cls="lane flush"),
        _stations(*_numbers(domain, ridges.measure), ribbon=_ribbon(domain)),
        _lane(_ridge(domain, ridges), weight=RIDGE_WEIGHT, cls="lane ridge-lane"),
        cls="way",
    )


def _lane(*children: Node | None, weight: float, cls: str = "lane") -> Node:
    return el("div", *children, cls=cls, style={"flex": f"{weight:g} 1 0"})


def _stations(*children: Node, ribbon: Node | None = None) -> Node:
    """The container over the four columns of rows; one text, or four cells of numbers over their ribbon."""
    content = [el("div", child, cls="lane") for child in children]
    basis = STATIONS * CELL_EDGES_PX
    return el("div", ribbon, *content, cls="stations", style={"flex": f"{STATIONS * STATION_WEIGHT:g} 1 {basis}px"})


def _numbers(domain: DomainStatus, measure: str) -> list[Node]:
    scored = percent_of(domain.n_scored, domain.n_rows)
    # Rows that a score column has no value for are not work to do.
    by_losses = measure == "learnability"
    to_do = f"{theme.count(domain.n_to_score)} to do" if domain.n_to_score and by_losses else scored
    return [
        el("span", theme.count(domain.n_rows), cls="strong"),
        _number(domain.n_scored, to_do),
        *[
            _number(n, percent_of(n or 0, domain.n_rows)) if n else el("span", "–", cls="muted")
            for n in (domain.n_selected, domain.n_exported)
        ],
    ]


def _number(n: int | None, note: str) -> Node:
    return el("span", el("span", theme.count(n or 0), cls="strong"), el("small", note, cls="muted beside"))


def percent_of(n: int, total: int) -> str:
    """A share in words: "100 %" and "0 %" only where it is exactly that."""
    if not total or n in (0, total):
        return "100 %" if total and n == total else "0 %"
    return theme.percent(min(max(n / total, 0.001), 0.999))


def _ribbon(domain: DomainStatus) -> Node:
    heights = ribbon_heights(domain)
    # A selection can be exported in part, so the solid core follows the exported height in the last column.
    core = [heights[2], heights[2], heights[2], min(heights[2], heights[3])]
    edge = _edge(heights)
    words = f"{domain.domain}: {domain.n_rows:,} rows imported, {domain.n_scored:,} scored"
    words += f", {domain.n_selected or 0:,} selected, {domain.n_exported or 0:,} exported"
    return el(
        "div",
        el(
            "svg",
            el("path", d=f"{edge}L400,-2L0,-2Z", cls="ground-fill"),
            el("path", d=edge, cls="left-line"),
            el("path", d=f"{_edge(core)}L400,100L0,100Z", cls="kept-fill") if core[0] else None,
            viewBox="0 0 400 100",
            preserveAspectRatio="none",
        ),
        cls="ribbon hatched",
        role="img",
        aria_label=words,
    )


def ribbon_heights(domain: DomainStatus) -> list[float]:
    """Percent of the ribbon's height at each station; what is left behind never comes back."""
    reached = [domain.n_rows, domain.n_scored, domain.n_selected or 0, domain.n_exported or 0]
    heights: list[float] = []
    for n in reached:
        share = 100 * n / max(domain.n_rows, 1)
        height = max(share, THINNEST) if n else 0.0
        heights.append(min(height, heights[-1]) if heights else height)
    return heights


def _edge(heights: Sequence[float]) -> str:
    """Upper edge of a ribbon from left to right, narrowing in the last part of each column."""
    y = [100 - height for height in heights]
    path = f"M0,{y[0]:.2f}"
    for station in range(1, len(y)):
        start, end = 100 * (station - 1) + NARROWS_AT, 100 * (station - 1) + NARROWED_AT
        middle = (start + end) / 2
        path += f"L{start:g},{y[station - 1]:.2f}"
        path += f"C{middle:g},{y[station - 1]:.2f} {middle:g},{y[station]:.2f} {end:g},{y[station]:.2f}"
    return path + f"L400,{y[-1]:.2f}"


def _ridge(domain: DomainStatus, shown: _Ridges) -> Node:
    ridges, cuts = shown.distribution, shown.cuts
    if not domain.n_scored and shown.measure != "learnability":
        return el("div", f"No row has a value for {shown.measure}.", cls="muted no-ridge")
    if not domain.n_scored or ridges is None or domain.domain not in ridges.names:
        n = theme.count(domain.n_to_score)
        return el("div", "No scores yet. ", parts.link(f"Score {n} rows", on="score"), cls="muted no-ridge")
    counts = ridges.counts[ridges.names.index(domain.domain)]
    outline = _outline(counts)
    cut = cuts.get(domain.domain)
    place = None if cut is None else 100 * _place(cut, ridges.edges)
    median = ridges.median[ridges.names.index(domain.domain)]
    words = f"{title_of(shown.measure)} of {domain.domain}: median {theme.figure(float(median))}"
    return el(
        "div",
        el("div", cls="solid", style=_kept_side(place, shown)) if place is not None else None,
        el(
            "svg",
            el("path", d=f"{outline}L100,-2L0,-2Z", cls="ground-fill"),
            el("path", d=outline, cls="left-line"),
            viewBox="0 0 100 100",
            preserveAspectRatio="none",
        ),
        el("div", cls="cut-line", style={"left": f"{place:.3f}%"}) if place is not None else None,
        cls="ridge hatched",
        role="img",
        aria_label=words if cut is None else f"{words}, cut at {theme.figure(cut)}",
    )


def _kept_side(place: float, shown: _Ridges) -> dict[str, str]:
    """The ground right of the cut, left of it where the lowest are the best."""
    return {"left": f"{place:.3f}%"} if shown.higher_is_better else {"left": "0", "right": f"{100 - place:.3f}%"}


def _outline(counts: np.ndarray) -> str:
    """Steps over the bins, in a drawing of 100 by 100; the highest bin reaches 96."""
    heights = 96 * counts / max(int(counts.max()), 1)
    step = 100 / len(counts)
    corners = [f"{i * step:.2f},{100 - h:.2f}L{(i + 1) * step:.2f},{100 - h:.2f}" for i, h in enumerate(heights)]
    return "M0,100L" + "L".join(corners) + "L100,100"


def _place(value: float, edges: np.ndarray) -> float:
    """Where on the axis a value lies, 0 to 1; what lies beyond stands at the end."""
    return float(np.clip((value - edges[0]) / (edges[-1] - edges[0]), 0, 1))


def _axis(ridges: Distribution) -> Node:
    digits = max(-math.floor(math.log10(tick_step(float(ridges.edges[0]), float(ridges.edges[-1]))) + 1e-9), 0)
    marks = [
        el("span", theme.number(tick, digits), style={"left": f"{100 * _place(tick, ridges.edges):.2f}%"})
        for tick in ticks(float(ridges.edges[0]), float(ridges.edges[-1]))
    ]
    return el(
        "div",
        _lane(weight=DOMAIN_WEIGHT, cls="lane flush"),
        _stations(""),
        _lane(el("div", *marks, cls="ticks"), weight=RIDGE_WEIGHT, cls="lane ridge-lane"),
        cls="way axis-row",
    )


def tick_step(low: float, high: float) -> float:
    """The least of 1, 2, 5 times a power of ten of which seven make the axis."""
    return rounded_step((high - low) / 7)


def ticks(low: float, high: float) -> list[float]:
    """Round values inside the axis, none at its very ends."""
    step = tick_step(low, high)
    first = math.floor(low / step + 1e-9) + 1
    return [round(k * step, 12) + 0.0 for k in range(first, math.ceil(high / step - 1e-9))]
