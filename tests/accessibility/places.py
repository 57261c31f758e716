"""Every page in each of its states, and what opens on a page: where axe looks."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from pages.components import state

SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the table: a page of the filled or the empty project, with something opened on it, or as it comes."""

    page: str
    project: str
    opened: str = ""
    query: str = ""
    open: Callable[[Page], None] | None = None

    @property
    def name(self) -> str:
        title = next(title for name, _, title, _, _ in state.PAGES if name == self.page)
        return f"{title}: {self.opened}" if self.opened else title

    @property
    def path(self) -> str:
        path = "" if self.page == "overview" else self.page
        return f"{path}?{self.query}" if self.query else path


def pages() -> list[Place]:
    """Every page, filled and empty."""
    queries = {"compare": "compare.kind=Selections"}
    return [
        Place(name, project, query=queries.get(name, "") if project == "filled" else "")
        for project in ("filled", "empty")
        for name, *_ in state.PAGES
    ]


def opened() -> list[Place]:
    """What is not there until somebody asks for it."""

    def click(name: str, role: str = "button") -> Callable[[Page], None]:
        return lambda page: page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]

    def press(*keys: str) -> Callable[[Page], None]:
        def pressed(page: Page) -> None:
            page.wait_for_selector(".item.current")
            for key in keys:
                page.keyboard.press(key)

        return pressed

    return [
        Place("overview", "filled", "sidebar", open=click("Expand sidebar")),
        Place("overview", "filled", "command", open=click("Command")),
        Place("import", "filled", "upload", open=click("Upload", "radio")),
        Place("learnability", "filled", "save", open=click("Save")),
        Place("browse", "filled", "filters", open=click("Filters")),
        Place("browse", "filled", "decisions", open=click("Decisions")),
        Place("browse", "filled", "keys", open=press("?")),
        Place("browse", "filled", "tag", open=press("g")),
        Place("browse", "texts", "formatted", open=press("f")),
        Place("browse", "texts", "token losses", open=press("t")),
        Place("select", "filled", "gates", open=click("Gates")),
        Place("select", "filled", "custom", open=click("Custom", "radio")),
        Place("validate", "filled", "new experiment", query="show=new"),
        Place("validate", "filled", "settings", query="show=new", open=click("Settings")),
        Place("validate", "filled", "download", open=click("Download")),
        Place("export", "filled", "options", open=click("Options")),
    ]


def settle(page: Page) -> None:
    """The script has run to its end, and nothing is a placeholder any more."""
    page.wait_for_selector(SETTLED, timeout=60_000)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=60_000)
