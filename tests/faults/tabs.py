"""Tabs of curators in a load test: they go through the pages in turn, and decide on rows at each visit of Browse."""

import asyncio
import contextlib
import itertools
import sys
import time
from dataclasses import dataclass, field

from playwright.async_api import Browser, Error, Page, WebSocket

from lobass_core.workflows.serve import Served
from tests.browser.conftest import READY

# Browse between any two others, as a curator is there most of the time: paths, and titles in the navigation.
PAGES = {"browse": "Browse", "": "Overview", "learnability": "Learnability", "select": "Select"}
VISITS = ("browse", "", "browse", "learnability", "browse", "select")
# Not all at once, as people do not come all at once.
APART_SECONDS = 2.0
# A page that has not answered by then is counted as one that did not.
PATIENCE_MS = 120_000
# How often a tab looks whether its answer has come: at every frame, ten tabs would leave no CPU to the server.
POLL_MS = 100
KEYS_A_VISIT = 20
# Nothing is said after a page has loaded anew.
SAVED = """() => ['saved', ''].includes(deep('.saved')?.textContent)
  && !Object.keys(sessionStorage).some((key) => key.startsWith('lobass.unsaved'))"""
# Components live in shadow roots; those that were found once are asked first.
DEEP = """(() => {
  let roots = []
  const inside = (root) => [...root.querySelectorAll('*')].flatMap((node) =>
    node.shadowRoot ? [node.shadowRoot, ...inside(node.shadowRoot)] : [])
  const first = (selector) => {
    for (const root of roots) {
      const found = root.host.isConnected && root.querySelector(selector)
      if (found) return found
    }
    return null
  }
  window.deep = (selector) => {
    const found = document.querySelector(selector) || first(selector)
    if (found || document.readyState === 'loading') return found
    roots = inside(document)
    return first(selector)
  }
})()"""


@dataclass(slots=True)
class Seen:
    """What the browsers have seen so far."""

    opened_ms: list[float] = field(default_factory=list)
    saved_ms: list[float] = field(default_factory=list)
    n_unanswered: int = 0
    n_reconnected: int = 0
    n_decided: int = 0


class Tab:
    """One curator's tab: what it waits for, and when it last said and heard something."""

    def __init__(self, page: Page, number: int) -> None:
        self.page = page
        self.number = number
        self.waits_for = ""
        self.sent_at = self.heard_at = time.monotonic()
        self.n_connections = self.n_loads = 0
        page.on("websocket", self._follow)
        page.on("domcontentloaded", self._loaded)

    def _loaded(self, _: Page) -> None:
        self.n_loads += 1

    def _follow(self, socket: WebSocket) -> None:
        self.n_connections += 1
        socket.on("framesent", lambda _: setattr(self, "sent_at", time.monotonic()))
        socket.on("framereceived", lambda _: setattr(self, "heard_at", time.monotonic()))

    async def until(self, condition: str) -> None:
        """Wait until the page says yes.

        Raises:
            Error: it has not within `PATIENCE_MS`.
        """
        self.waits_for = condition
        await self.page.wait_for_function(condition, polling=POLL_MS)

    async def tell(self, error: Error) -> None:
        """Print what the tab shows instead of an answer."""
        now = time.monotonic()
        print(f"tab {self.number} at {self.page.url} got no answer: {error.message.splitlines()[0]}", file=sys.stderr)
        print(f"  waited for {' '.join(self.waits_for.split())}", file=sys.stderr)
        print(
            f"  sent {now - self.sent_at:.1f} s ago, heard {now - self.heard_at:.1f} s ago;"
            f" loaded {self.n_loads} times, connected {self.n_connections} times",
            file=sys.stderr,
        )
        with contextlib.suppress(Error):
            shown = await self.page.get_by_test_id("stMain").aria_snapshot(timeout=5_000)
            print("  " + shown[:2_000].replace("\n", "\n  "), file=sys.stderr)


async def curate(browser: Browser, dashboard: Served, number: int, seen: Seen, deadline: float) -> None:
    """One curator: through the pages in turn, with some decisions at each visit of Browse."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    await context.add_cookies([dashboard.cookie()])  # type: ignore[list-item]
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.add_init_script(DEEP)
    # What is not saved yet waits in the tab's own storage.
    page.on("dialog", lambda dialog: dialog.accept())
    tab, visits = Tab(page, number), itertools.cycle(VISITS)
    await asyncio.sleep(APART_SECONDS * number)
    is_loaded = False
    while time.monotonic() < deadline:
        path = next(visits)
        try:
            began = time.monotonic()
            await (_follow(tab, path) if is_loaded else _load(tab, dashboard, path))
            seen.opened_ms.append(1000 * (time.monotonic() - began))
            is_loaded = True
            if path == "browse":
                await _decide(tab, seen, deadline)
            await asyncio.sleep(1.0)
        except Error as error:
            seen.n_unanswered += 1
            await tab.tell(error)
            is_loaded = False
    await _load(tab, dashboard, "browse")
    await tab.until(SAVED)
    # A tab connects once each time that it is loaded.
    seen.n_reconnected += tab.n_connections - tab.n_loads
    await context.close()


async def _load(tab: Tab, dashboard: Served, path: str) -> None:
    """Open a page by its address."""
    tab.waits_for = "the page to load"
    query = f"?domain=d{tab.number}" if path == "browse" else ""
    await tab.page.goto(f"{dashboard.address}/{path}{query}", wait_until="commit")
    await tab.until(f"() => window.deep && deep({READY[path]!r})")


async def _follow(tab: Tab, path: str) -> None:
    """Open a page by its link in the navigation."""
    tab.waits_for = f"the link to {PAGES[path]}"
    await tab.page.get_by_role("link", name=PAGES[path], exact=True).click()
    await tab.until(f"() => deep({READY[path]!r})")


async def _decide(tab: Tab, seen: Seen, deadline: float) -> None:
    """Decide on some rows what they were not before; each decision goes on to the next row."""
    page = tab.page
    for _ in range(KEYS_A_VISIT):
        if time.monotonic() > deadline:
            return
        # A tab that lost its connection shows the list anew.
        await tab.until("() => deep('.item.current')")
        row = await page.evaluate("() => deep('.item.current').dataset.key")
        item = f'.item[data-key="{row}"]'
        kept = await page.evaluate(f"() => !!deep('{item} .mark.keep')")
        key, verdict = ("d", "drop") if kept else ("k", "keep")
        began = time.monotonic()
        await page.keyboard.press(key)
        # The last row of a page makes way for the next page.
        await tab.until(f"() => deep('{item} .mark.{verdict}') || !deep('{item}')")
        seen.n_decided += 1
        await tab.until(SAVED)
        seen.saved_ms.append(1000 * (time.monotonic() - began))
        await asyncio.sleep(0.3)
