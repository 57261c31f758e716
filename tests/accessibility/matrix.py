"""Run axe on every page in every theme, width and zoom, and write the table in docs/pages.md:

    python -m tests.accessibility.matrix                # every page
    python -m tests.accessibility.matrix validate       # this page alone; the lines of the others stay

Fails, and writes nothing, where there is a violation. One server a project, one browser; a page is opened once, and
theme, width and zoom are switched in place, as a person would.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from lobass_core.workflows.serve import Served, ServeSpec, free_port, served
from tests.accessibility import axe, places, projects
from tests.accessibility.places import Place, settle
from tests.browser.conftest import find_chromium
from tests.eventually import eventually

PAGE = Path(__file__).parents[2] / "docs" / "pages.md"
BEGIN, END = "<!-- axe: begin -->", "<!-- axe: end -->"
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 18, 22)"}
_GROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
# How many messages the page has sent to the server: a page that asks to be run again sends one.
COUNT_MESSAGES = """
window.nSent = 0
const send = WebSocket.prototype.send
WebSocket.prototype.send = function (...words) { window.nSent += 1; return send.apply(this, words) }
"""
HEIGHTS = {1280: 800, 1920: 1080}
ZOOMS = (100, 150)
PROJECTS = {"filled": projects.filled, "empty": projects.empty, "texts": projects.texts}


@dataclass(frozen=True, slots=True)
class View:
    """How a page is looked at. Zoom makes the window's pixels larger, so that fewer of them fit."""

    theme: str
    width: int
    zoom: int

    @property
    def words(self) -> str:
        return f"{self.theme}, {self.width}, {self.zoom} %"

    def show(self, page: Page) -> None:
        """Switch theme, width and zoom of the open page."""
        is_other_theme = page.evaluate(_GROUND) != GROUNDS[self.theme]
        n_sent = page.evaluate("window.nSent")
        page.emulate_media(color_scheme=self.theme, reduced_motion="reduce")  # type: ignore[arg-type]
        metrics = {
            "width": round(self.width * 100 / self.zoom),
            "height": round(HEIGHTS[self.width] * 100 / self.zoom),
            "deviceScaleFactor": self.zoom / 100,
            "mobile": False,
        }
        page.context.new_cdp_session(page).send("Emulation.setDeviceMetricsOverride", metrics)
        if is_other_theme:
            page.wait_for_function(f"ground => {_GROUND} === ground", arg=GROUNDS[self.theme])
            # The page that is drawn for another theme is asked for.
            page.wait_for_function("before => window.nSent > before", arg=n_sent)
        settle(page)


VIEWS = [View(theme, width, zoom) for theme in GROUNDS for width in HEIGHTS for zoom in ZOOMS]
# What opens on a page is looked at where there is least room.
NARROW = [View(theme, 1280, zoom) for theme in GROUNDS for zoom in ZOOMS]
Cells = dict[tuple[str, str, str], list[str]]


def open_place(browser: Browser, dashboard: Served, place: Place) -> Page:
    """A new window on the place, as the first view shows it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    context.add_init_script(COUNT_MESSAGES)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(dashboard.url(place.path))
    settle(page)
    if place.open:
        place.open(page)
        # The hint of the button under the hand would lie over what it opens.
        page.mouse.move(0, 0)
        settle(page)
    return page


def look(browser: Browser, dashboard: Served, place: Place, views: Sequence[View]) -> Iterator[tuple[View, list[str]]]:
    """What axe finds at one place in each view."""
    page = open_place(browser, dashboard, place)
    for view in views:
        view.show(page)
        found = axe.violations(page)
        if found:
            # What is being drawn again is paler than it stays; a violation that stays is one.
            settle(page)
            found = eventually(lambda: axe.violations(page), lambda still: not still, seconds=3, step=0.5)
        yield view, found
    page.context.close()


def run(folder: Path, names: Sequence[str] = ()) -> Cells:
    """The cells of these pages, of all without a name: (place, project, view) -> violations."""
    cells: Cells = {}
    with ExitStack() as stack:
        dashboards = {
            name: stack.enter_context(served(make(folder / name).root, _spec(), folder / f"{name}.log"))
            for name, make in PROJECTS.items()
        }
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for group, views in ((places.pages(), VIEWS), (places.opened(), NARROW)):
            for place in group:
                if names and place.page not in names:
                    continue
                before = time.monotonic()
                for view, found in look(browser, dashboards[place.project], place, views):
                    cells[place.name, place.project, view.words] = found
                    for line in found:
                        print(f"{place.name}, {place.project}, {view.words}: {line}", flush=True)
                print(f"{place.name}, {place.project}: {time.monotonic() - before:.1f} s", flush=True)
        browser.close()
    return cells


def _spec() -> ServeSpec:
    return ServeSpec(port=free_port(), open_browser=False)


def table(cells: Cells, before: str = "") -> str:
    """A row a place, a column a view, in each the number of violations; places not looked at have their line of
    before."""
    known = {line.split(" | ")[0] + line.split(" | ")[1]: line for line in before.splitlines() if " | " in line}
    looked_at = {(name, project) for name, project, _ in cells}
    lines = [_introduction(), _line(["page", "project", *(view.words for view in VIEWS)])]
    lines.append(_line(["---", "---", *["---:"] * len(VIEWS)]))
    for place in (*places.pages(), *places.opened()):
        if (place.name, place.project) not in looked_at and (line := known.get(f"| {place.name}{place.project}")):
            lines.append(line)
            continue
        counts = [cells.get((place.name, place.project, view.words)) for view in VIEWS]
        lines.append(_line([place.name, place.project, *("" if one is None else str(len(one)) for one in counts)]))
    return "\n".join([*lines, ""])


def _introduction() -> str:
    excluded = "".join(f" Left out: `{rule}` at `{selector}`: {why}" for rule, selector, why in axe.EXCLUDED)
    return (
        f"`make axe` runs every rule of axe-core {axe.version()} on each page with data and without, and on what opens"
        f" on a page, in both themes, at 1280 and 1920 pixels, at 100 % and 150 % zoom. Violations found:{excluded}\n"
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write(cells: Cells) -> None:
    """Put the table between its marks in docs/pages.md."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    old, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(cells, old)}{END}{after}", encoding="utf-8")


def main() -> int:
    """Look everywhere; 1 where anything was found."""
    if not find_chromium():
        raise SystemExit("no Chromium on this machine: install one, or name it in LOBASS_CHROMIUM")
    before = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LOBASS_CACHE"] = str(Path(folder) / "cache")
        cells = run(Path(folder), sys.argv[1:])
    n_found = sum(len(found) for found in cells.values())
    print(f"{n_found} violations in {len(cells)} cells, {time.monotonic() - before:.0f} s")
    if n_found:
        return 1
    write(cells)
    return 0


if __name__ == "__main__":
    sys.exit(main())
