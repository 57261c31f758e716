"""What a curator does on the Browse page, timed."""

import json
import time
from collections.abc import Callable

from driver import PATIENCE_MS, Bench, Measure

from lobass_core.store.connection import release
from lobass_core.workflows import decide

N_REPEATS = 15


def moves(bench: Bench) -> list[Measure]:
    """Next sample, within a page and over its edge."""
    bench.open("browse", ".item.current")
    time.sleep(1.0)
    steps, edges = [], []
    for number in range(60):
        row = bench.page.evaluate("deep('.item.current').dataset.key")
        took = bench.time(
            bench.press("ArrowDown"), f"deep('.item.current')?.dataset.key !== {row!r} && deep('.item.current')"
        )
        (edges if number == 49 else steps).append(took)
    return [Measure("Next sample", steps, 50), Measure("Next page, prefetched, by key", edges, 50)]


def decides(bench: Bench) -> list[Measure]:
    """A mark on the screen, and its acknowledgement from the disk."""
    bench.open("browse", ".item.current")
    time.sleep(1.0)
    marks, durable = [], []
    for number in range(N_REPEATS):
        key, verdict = ("k", "keep") if number % 2 else ("d", "drop")
        marks.append(bench.time(bench.press(key), _marked(bench, verdict)))
        bench.page.wait_for_function("() => deep('.saved').textContent === 'saved'", timeout=PATIENCE_MS)
        time.sleep(0.9)
        durable.append(
            bench.time(bench.press(key), f"deep('.saved').textContent === 'saved' && {_marked(bench, verdict)}")
        )
        time.sleep(0.9)
    return [Measure("Decision on the screen", marks, 50), Measure("Decision on the disk", durable, 200)]


def _marked(bench: Bench, verdict: str) -> str:
    """That the row that is current now bears the verdict, as JavaScript; the page then goes on to the next row."""
    row = bench.page.evaluate("deep('.item.current').dataset.key")
    selector = f".item[data-key={json.dumps(row)}] .mark.{verdict}"
    return f"deep({json.dumps(selector)})"


def fast_marks(bench: Bench) -> list[Measure]:
    """Forty decisions at twenty a second: how many are missing on the disk."""
    bench.open("browse?sort=imported", ".item.current")
    time.sleep(1.0)
    before = len(decide.log(bench.project, 100_000))
    release(bench.project.store_path)
    for number in range(40):
        bench.page.keyboard.press("k" if number % 2 else "d")
        bench.page.keyboard.press("ArrowDown")
        time.sleep(0.05)
    bench.page.wait_for_function("() => deep('.saved').textContent === 'saved'", timeout=PATIENCE_MS)
    found = len(decide.log(bench.project, 100_000))
    release(bench.project.store_path)
    return [Measure("Lost of 40 decisions at 20 a second", [40.0 - (found - before)], 0.1, unit="")]


def pages(bench: Bench) -> list[Measure]:
    """A page far away, through the box beside the pager."""
    bench.open("browse", ".item.current")
    last = int(bench.text(".pager button:nth-last-of-type(2)").replace(",", ""))
    jumps = []
    for number in range(N_REPEATS):
        page = 1 + (number + 1) * (last - 1) // (N_REPEATS + 1)
        bench.page.locator(".jump").fill(str(page))
        first = (page - 1) * 50 + 1
        shown = (
            f"deep('.count').textContent.includes('rows {first:,}') && !deep('.list.waiting') && deep('.item.current')"
        )
        jumps.append(bench.time(bench.press("Enter"), shown))
        # The neighbours are fetched behind it; a person reads meanwhile.
        time.sleep(0.7)
    return [Measure("Any page", jumps, 250)]


def filters(bench: Bench) -> list[Measure]:
    """A filter that comes and goes by its chip, a sort that turns around, and a text search."""
    takes, sorts, finds = [], [], []
    for low in (0.1, 0.2, 0.3, 0.4, 0.5):
        bench.open(f"browse?domain=math&score={low}..0.9", ".item.current")
        time.sleep(1.0)
        before = bench.text(".count b")
        chip = bench.page.get_by_role("button", name="domain: math")
        takes.append(bench.time(chip.click, f"deep('.count b').textContent !== {before!r} && deep('.item.current')"))
        time.sleep(0.5)
        row = bench.page.evaluate("deep('.item.current').dataset.key")
        turn = bench.page.locator(".st-key-browse\\\\.direction button, .st-key-browse-direction button").first
        sorts.append(bench.time(turn.click, f"deep('.item.current')?.dataset.key !== {row!r} && deep('.item.current')"))
    for text in ("violin strings", "a free weekend", "night shifts", "[4711", "streams the rows"):
        bench.open("browse", ".item.current")
        time.sleep(1.0)
        before = bench.text(".count b")
        bench.page.get_by_label("Search", exact=True).fill(text)
        finds.append(
            bench.time(bench.press("Enter"), f"deep('.count b').textContent !== {before!r} && deep('.item.current')")
        )
    return [
        Measure("Filter", takes, 250),
        Measure("Sort", sorts, 250),
        Measure("Search in all texts", finds, 2000),
    ]


def tokens(bench: Bench) -> list[Measure]:
    """Token losses of the next sample."""
    bench.open("browse?sort=imported", ".item.current")
    bench.page.keyboard.press("t")
    bench.page.wait_for_function("() => deep('.heat-text')", timeout=PATIENCE_MS)
    shown = []
    for _ in range(N_REPEATS):
        row = bench.page.evaluate("deep('.item.current').dataset.key")
        condition = f"deep('.item.current').dataset.key !== {row!r} && deep('.heat-text')"
        shown.append(bench.time(bench.press("ArrowDown"), condition))
        time.sleep(0.3)
    return [Measure("Token losses", shown, 300)]


JOURNEYS: dict[str, Callable[[Bench], list[Measure]]] = {
    "browse-moves": moves,
    "browse-decides": decides,
    "browse-fast-marks": fast_marks,
    "browse-pages": pages,
    "browse-filters": filters,
    "browse-tokens": tokens,
}
