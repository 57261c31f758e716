"""Measure the dashboard over a large project in a real Chromium: `make bench-ui`.

    python benchmarks/dashboard.py [--rows 1000000] [--project FOLDER] [--only browse] [--json FILE]

One journey is one function: it drives a page as a hand would and gives samples of milliseconds, each from the key or
click in the browser to the frame that shows the answer. Times include the server, the socket and the painting; a busy
machine makes all of them larger, so the load is printed with them.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from million_rows import make_project
from playwright.sync_api import Page, sync_playwright

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import decide

REPOSITORY = Path(__file__).parents[1]
N_REPEATS = 15
PATIENCE_MS = 120_000
# Elements of components live in shadow roots. `arm` starts the clock at the next key or click and stops it in the first
# frame in which the condition holds.
SCRIPT = """
window.deep = (selector) => {
  const look = (root) => {
    const found = root.querySelector(selector)
    if (found) return found
    for (const node of root.querySelectorAll('*'))
      if (node.shadowRoot) { const inner = look(node.shadowRoot); if (inner) return inner }
    return null
  }
  return look(document)
}
window.arm = (condition) => {
  const holds = new Function('return ' + condition)
  const watch = (window.watch = { from: null, took: null })
  const start = (event) => {
    if (watch.from !== null || !event.isTrusted) return
    watch.from = performance.now()
    const look = () => holds() ? (watch.took = performance.now() - watch.from) : requestAnimationFrame(look)
    requestAnimationFrame(look)
  }
  const kinds = ['keydown', 'pointerdown']
  for (const kind of kinds) window.addEventListener(kind, start, { capture: true })
  watch.stop = () => kinds.forEach((kind) => window.removeEventListener(kind, start, { capture: true }))
}
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """Milliseconds of one thing, and the limit that its median must keep (0: none)."""

    name: str
    milliseconds: list[float]
    limit: float = 0.0
    unit: str = "ms"

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        return sorted(self.milliseconds)[int(0.95 * (len(self.milliseconds) - 1) + 0.5)]

    @property
    def holds(self) -> bool:
        return not self.limit or self.median <= self.limit


@dataclass(frozen=True, slots=True)
class Bench:
    """What a journey works with."""

    page: Page
    address: str
    project: Project
    server: psutil.Process

    def open(self, path: str, ready: str) -> float:
        """Open a page and return the milliseconds from the request to the first frame with `ready` in it."""
        self.page.goto(f"{self.address}/{path}", wait_until="commit")
        self.page.wait_for_function(f"() => window.deep && deep({ready!r})", timeout=PATIENCE_MS)
        return float(self.page.evaluate("performance.now()"))

    def time(self, act: Callable[[], None], condition: str) -> float:
        """Milliseconds from the first key or click of `act` to the frame in which the condition (JavaScript) holds."""
        self.page.evaluate("condition => arm(condition)", condition)
        act()
        self.page.wait_for_function("() => window.watch.took !== null", timeout=PATIENCE_MS)
        return float(self.page.evaluate("() => { window.watch.stop(); return window.watch.took }"))

    def press(self, key: str) -> Callable[[], None]:
        """Pressing one key, to be timed."""
        return lambda: self.page.keyboard.press(key)

    def text(self, selector: str) -> str:
        """What an element shows."""
        return str(self.page.evaluate("selector => deep(selector)?.textContent ?? ''", selector))


def browse_opens(bench: Bench) -> list[Measure]:
    """First paint of Browse: the server's first answer ever, and one like every later."""
    first = bench.open("browse", ".item.current")
    later = [bench.open("browse", ".item.current") for _ in range(3)]
    return [Measure("Browse, first paint, cold server", [first], 3000), Measure("Browse, first paint", later, 3000)]


def browse_moves(bench: Bench) -> list[Measure]:
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


def browse_decides(bench: Bench) -> list[Measure]:
    """A mark on the screen, and its acknowledgement from the disk."""
    bench.open("browse", ".item.current")
    time.sleep(1.0)
    marks, durable = [], []
    for number in range(N_REPEATS):
        key, verdict = ("k", "keep") if number % 2 else ("d", "drop")
        bench.page.keyboard.press("ArrowDown")
        time.sleep(0.6)
        marks.append(bench.time(bench.press(key), f"deep('.item.current .mark.{verdict}')"))
        bench.page.wait_for_function("() => deep('.saved').textContent === 'saved'", timeout=PATIENCE_MS)
        time.sleep(0.3)
        bench.page.keyboard.press("ArrowDown")
        time.sleep(0.6)
        durable.append(
            bench.time(
                bench.press(key),
                "deep('.saved').textContent === 'saved' && deep('.item.current .mark.keep, .item.current .mark.drop')",
            )
        )
    return [Measure("Decision on the screen", marks, 50), Measure("Decision on the disk", durable, 200)]


def browse_fast_marks(bench: Bench) -> list[Measure]:
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
    return [Measure("Lost of 40 decisions at 20 a second", [40.0 - (found - before)], 0.1, "")]


def browse_pages(bench: Bench) -> list[Measure]:
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


def browse_filters(bench: Bench) -> list[Measure]:
    """A filter that comes and goes by its chip, a sort that turns around, and a text search."""
    takes, sorts, finds = [], [], []
    for low in (0.1, 0.2, 0.3, 0.4, 0.5):
        bench.open(f"browse?domain=math&score={low}..0.9", ".item.current")
        before = bench.text(".count b")
        chip = bench.page.get_by_role("button", name="domain: math")
        takes.append(bench.time(chip.click, f"deep('.count b').textContent !== {before!r} && deep('.item.current')"))
        time.sleep(0.5)
        row = bench.page.evaluate("deep('.item.current').dataset.key")
        turn = bench.page.locator(".st-key-browse\\\\.direction button, .st-key-browse-direction button").first
        sorts.append(bench.time(turn.click, f"deep('.item.current')?.dataset.key !== {row!r} && deep('.item.current')"))
    for text in ("violin strings", "a free weekend", "night shifts", "[4711", "streams the rows"):
        bench.open("browse", ".item.current")
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


def browse_tokens(bench: Bench) -> list[Measure]:
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


def server_memory(bench: Bench) -> list[Measure]:
    """Resident memory of the server after all of the above."""
    return [Measure("Server memory", [bench.server.memory_info().rss / 1e6], 2000, "MB")]


JOURNEYS: dict[str, Callable[[Bench], list[Measure]]] = {
    "browse-opens": browse_opens,
    "browse-moves": browse_moves,
    "browse-decides": browse_decides,
    "browse-fast-marks": browse_fast_marks,
    "browse-pages": browse_pages,
    "browse-filters": browse_filters,
    "browse-tokens": browse_tokens,
    "memory": server_memory,
}


@contextmanager
def serving(project: Project) -> Iterator[tuple[str, psutil.Process]]:
    """The dashboard over the project on a free port."""
    release(project.store_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", str(port)],
        cwd=REPOSITORY,
        env={**os.environ, "LOBASS_PROJECT": str(project.root)},
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/_stcore/health", process)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the dashboard did not start")


def measure(project: Project, names: list[str]) -> list[Measure]:
    """Run journeys one after the other, each in a fresh tab of one browser over one server."""
    path = os.environ.get("LOBASS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("no Chromium on this machine: install one, or name it in LOBASS_CHROMIUM")
    found: list[Measure] = []
    with serving(project) as (address, server), sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name in names:
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.add_init_script(SCRIPT)
            print(f"{name} ...", file=sys.stderr, flush=True)
            found += JOURNEYS[name](Bench(page, address, project, server))
            context.close()
        browser.close()
    return found


def table(measures: list[Measure]) -> str:
    """A Markdown table, as docs/performance.md has it."""
    lines = ["| measured | median | 95th percentile | limit |", "|---|---:|---:|---:|"]
    for one in measures:
        limit = f"{one.limit:,.0f} {one.unit}".strip() if one.limit else "–"
        mark = "" if one.holds else " (over)"
        lines.append(f"| {one.name} | {one.median:,.0f} {one.unit} | {one.p95:,.0f} {one.unit} | {limit}{mark} |")
    return "\n".join(lines)


def main() -> None:
    """Make the project if it is not there, measure, print the table; exit code 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--project", type=Path, help="Where the project is, or is to be made.")
    parser.add_argument("--only", default="", help="Journeys whose names begin so.")
    parser.add_argument("--json", type=Path, help="Write every sample there.")
    asked = parser.parse_args()
    folder = asked.project or REPOSITORY / "bench-data" / f"rows-{asked.rows}"
    project = make_project(folder, n_rows=asked.rows)
    load = os.getloadavg()[0]
    measures = measure(project, [name for name in JOURNEYS if name.startswith(asked.only)])
    print(f"{asked.rows:,} rows, {os.cpu_count()} cores, load {load:.1f} before and {os.getloadavg()[0]:.1f} after\n")
    print(table(measures))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in measures], indent=1), encoding="utf-8")
    sys.exit(0 if all(one.holds for one in measures) else 1)


if __name__ == "__main__":
    main()
