"""A hand at the dashboard: a server over a project, a Chromium in front of it, and the clock between key and frame."""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page

from lobass_core.project import Project
from lobass_core.workflows.serve import Served, ServeSpec, free_port, served

REPOSITORY = Path(__file__).parents[1]
PATIENCE_MS = 120_000
# Elements of components live in shadow roots. `arm` starts the clock at the next key, click or lifted hand and stops it
# in the first frame in which the condition holds.
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
  const kinds = ['keydown', 'pointerdown', 'pointerup']
  for (const kind of kinds) window.addEventListener(kind, start, { capture: true })
  watch.stop = () => kinds.forEach((kind) => window.removeEventListener(kind, start, { capture: true }))
}
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """Milliseconds of one thing, the limit of its median, and that of its 95th percentile (0: none)."""

    name: str
    milliseconds: list[float]
    limit: float = 0.0
    most: float = 0.0
    unit: str = "ms"

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        return sorted(self.milliseconds)[int(0.95 * (len(self.milliseconds) - 1) + 0.5)]

    @property
    def holds(self) -> bool:
        return (not self.limit or self.median <= self.limit) and (not self.most or self.p95 <= self.most)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a journey works with."""

    page: Page
    project: Project
    dashboard: Served

    @property
    def server(self) -> psutil.Process:
        return psutil.Process(self.dashboard.process.pid)

    def new_browsers(self, n: int) -> Iterator["Bench"]:
        """The same server seen by browsers that have been nowhere yet, one after the other."""
        for _ in range(n):
            page = new_page(self._browser, self.dashboard)
            yield replace(self, page=page)
            page.context.close()

    @contextmanager
    def anew(self) -> Iterator["Bench"]:
        """The first visit of a browser that has been nowhere yet to a server that has just started."""
        with serving(self.project) as dashboard:
            page = new_page(self._browser, dashboard)
            yield Bench(page, self.project, dashboard)
            page.context.close()

    @property
    def _browser(self) -> Browser:
        browser = self.page.context.browser
        assert browser is not None
        return browser

    def open(self, path: str, ready: str) -> float:
        """Open a page and return the milliseconds from the request to the first frame with `ready` in it."""
        self.page.goto(f"{self.dashboard.address}/{path}", wait_until="commit")
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


def new_page(browser: Browser, dashboard: Served) -> Page:
    """A window of its own at 1280x800, without anything kept from before but the cookie that opens the dashboard."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_cookies([dashboard.cookie()])  # type: ignore[list-item]
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(SCRIPT)
    return page


@contextmanager
def serving(project: Project) -> Iterator[Served]:
    """The dashboard over the project on a free port."""
    with tempfile.TemporaryDirectory() as folder:
        spec = ServeSpec(port=free_port(), open_browser=False)
        with served(project.root, spec, Path(folder) / "log") as dashboard:
            yield dashboard
