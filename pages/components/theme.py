"""Colours that Python needs, the style of Streamlit's own elements, and how numbers are written.

Components and native widgets take their colours from `.streamlit/config.toml` by `--st-*` variables, so that a switch
of theme repaints them live. Only what cannot read those variables (Plotly figures) asks `palette()` for hex values.

    from pages.components import theme
    theme.palette().kept                      "#0F766E" or "#2DB5A3"
    theme.domain_slots(["math", "code"])      {"code": 0, "math": 1}: the n-th of the eight domain colours
    theme.count(1234567)                      "1,234,567"
    theme.compact(13_700_000)                 "13.7M"
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from lobass_core.words import time_words
from lobass_core.words.time_words import DAY, HOUR, MINUTE

N_DOMAIN_COLOURS = 8
# A chart with one row of plots is this high, and takes what a taller window has left.
ONE_ROW_PX = 440
TALL_KEY = "tall-"
# Two parts of a page, the second beside the first from this width on.
BESIDE_KEY, WIDE_PX = "beside", 1600
FRAME_CSS = Path(__file__).with_name("frame.css")
CSS = f"""<style>
{FRAME_CSS.read_text(encoding="utf-8")}
[data-testid='stLayoutWrapper']:has(> [class*='st-key-{TALL_KEY}']) {{
  flex: none; height: clamp({ONE_ROW_PX}px, 100vh - 440px, 760px) !important;
}}
@media (min-width: {WIDE_PX}px) {{
  .st-key-{BESIDE_KEY} {{ flex-direction: row; flex-wrap: nowrap; align-items: flex-start; gap: 26px; }}
  .st-key-{BESIDE_KEY} > * {{ flex: 1 1 0; min-width: 0; }}
  .st-key-{BESIDE_KEY} > :has(.st-key-{BESIDE_KEY}-aside) {{ flex: 0 0 clamp(480px, 30vw, 640px); }}
}}
</style>"""
_FRAME = st.components.v2.component(
    "lobass_frame", html="<div></div>", js=Path(__file__).with_name("frame.js").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True)
class Palette:
    """Hex colours of one theme. `domains` has eight, for slots 0 to 7 of `domain_slots`."""

    kind: str
    primary: str
    kept: str
    ground: str
    second_ground: str
    text: str
    muted: str
    border: str
    amber: str
    red: str
    domains: tuple[str, ...]


LIGHT = Palette(
    kind="light",
    primary="#0F766E",
    kept="#0F766E",
    ground="#FFFFFF",
    second_ground="#F4F5F7",
    text="#171A1F",
    muted="#5B6370",
    border="#E1E4E9",
    amber="#92400E",
    red="#B42318",
    domains=("#638BF9", "#7C4A1C", "#8A299E", "#AB9017", "#7758DA", "#2D8AB8", "#CA8281", "#8E710F"),
)
DARK = Palette(
    kind="dark",
    primary="#12857A",
    kept="#2DB5A3",
    ground="#101216",
    second_ground="#191C22",
    text="#E6E8EC",
    muted="#9AA2AF",
    border="#2A2E37",
    amber="#E5A04B",
    red="#F2766E",
    domains=("#6076ED", "#A27B4C", "#EBB9F7", "#CFD009", "#C691FE", "#4686A4", "#FDBCAB", "#C39C18"),
)


def palette() -> Palette:
    """The colours of the theme that the browser shows now."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def apply_css() -> None:
    """Put the rules of frame.css on the page; called once, by the router."""
    st.html(CSS)


def begin_page(title: str) -> None:
    """What every page has and nobody sees: its name as its first heading, and frame.js."""
    with st.container(key="page-name"):
        st.html(f"<h1>{title}</h1>")
        _FRAME(key="frame", data={}, on_theme_change=_nothing)


def _nothing() -> None:
    """Streamlit runs the page again for a trigger that has a callback."""


def domain_slots(domains: Iterable[str]) -> dict[str, int]:
    """Colour slot (0 to 7) of each domain in alphabetical order of all the project's domains."""
    return {domain: index % N_DOMAIN_COLOURS for index, domain in enumerate(sorted(set(domains)))}


def count(n: float | None) -> str:
    """Whole number with thousands separators; a dash where it is not known."""
    return "–" if n is None else f"{round(n):,}"


def compact(n: float | None) -> str:
    """Three or four significant digits: 418, 12.3k, 1.53M, 216M; a dash where it is not known."""
    if n is None:
        return "–"
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        # 999,950 would round to "1000k".
        if abs(n) >= size * 0.99995 and (size > 1e3 or abs(n) >= 10_000):
            scaled = n / size
            digits = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0
            return f"{scaled:.{digits}f}{letter}"
    return count(n)


def percent(share: float, digits: int = 1) -> str:
    """0.063 as "6.3 %", with a thin gap that does not break."""
    return f"{share * 100:,.{digits}f} %" if math.isfinite(share) else "–"


def number(value: float | None, digits: int = 3) -> str:
    """A score or loss; a real minus sign, and a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.{digits}f}".replace("-", "−")


def figure(value: float | None) -> str:
    """A value of any size, such as that of a score column: about four digits of it, a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value and abs(value) < 0.01:
        return f"{value:.3g}".replace("-", "−")
    return number(value, 3 - min(max(len(str(int(abs(value)))) - 1, 0), 3))


def signed(value: float | None, digits: int = 2) -> str:
    """A difference with its sign: "+0.31", "−0.18"."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:+,.{digits}f}".replace("-", "−")


def byte_size(n: float) -> str:
    """Bytes as files are usually shown: 812 B, 4.1 kB, 2.1 GB."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n >= size:
            scaled = n / size
            return f"{scaled:.1f} {unit}" if scaled < 100 else f"{scaled:,.0f} {unit}"
    return f"{n:,.0f} B"


def duration(seconds: float | None) -> str:
    """51 s, 9 min 20 s, 2 h 12 min, 3 d 4 h; a dash when unknown."""
    return "–" if seconds is None or not math.isfinite(seconds) else time_words.duration(seconds)


def parse_time(iso: str) -> datetime | None:
    """The moment an ISO 8601 text names, in UTC if it says no zone; None for an empty or foreign text."""
    try:
        moment = datetime.fromisoformat(iso)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def ago(iso: str, now: datetime | None = None) -> str:
    """An ISO time as a person would say it: just now, 5 min ago, 2 h ago, yesterday, 3 days ago, 12 May 2026."""
    moment = parse_time(iso)
    if moment is None:
        return "–"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min ago"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h ago"
    if seconds < 2 * DAY:
        return "yesterday"
    if seconds < 14 * DAY:
        return f"{int(seconds // DAY)} days ago"
    return f"{moment.day} {moment:%b %Y}"


def clock(iso: str) -> str:
    """Local time of day, 14:28."""
    moment = parse_time(iso)
    return f"{moment.astimezone():%H:%M}" if moment else "–"
