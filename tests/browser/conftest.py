"""A real server on a free port over a prepared project, and a real Chromium in front of it.

    def test_x(server, page):
        page.goto(server.url("select"))      # also server.url("browse?q=text"): it adds the token

Tests are marked `browser` and skipped with a plain message where no Chromium is found. Every page is watched: requests
to another host and console errors fail the test (but for the two 404s that Streamlit logs on a deep link).
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.workflows.serve import Served, ServeSpec, free_port, start
from tests.copied_project import copied
from tests.pages.projects import scored_project

# Streamlit asks for these beside the page's own address first.
KNOWN_404 = ("/_stcore/health", "/_stcore/host-config")
# What stands on a page of scored rows once it has answered, by its path.
READY = {
    "": ".funnel",
    "learnability": ".distribution svg",
    "browse": ".item.current",
    "select": ".instrument .status.exact",
}


def find_chromium() -> str | None:
    """Path of a Chromium on this machine, `LOBASS_CHROMIUM` first.

    Without a window it is the same engine, and a page costs a third less of the processor: 3.0 s instead of 4.5 s.
    """
    named = os.environ.get("LOBASS_CHROMIUM")
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return named or next((found for name in names if (found := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder drives a browser."""
    for item in items:
        if Path(__file__).parent in Path(str(item.path)).parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Server:
    """A running dashboard."""

    project: Project
    dashboard: Served

    @property
    def port(self) -> int:
        return self.dashboard.port

    @property
    def process(self) -> subprocess.Popen:
        return self.dashboard.process

    def url(self, page: str = "") -> str:
        """Address of a page, which may have a query, with the token that opens it."""
        return self.dashboard.url(page)

    def log(self) -> str:
        """What the server has printed."""
        return self.dashboard.log()


def start_server(project: Project, log_path: Path, port: int | None = None) -> Server:
    """Start the dashboard over a project and wait until it answers; its token is kept beside the log."""
    spec = ServeSpec(port=port or free_port(), open_browser=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOBASS_CACHE", str(log_path.parent / "cache"))
        return Server(project, start(project.root, spec, log_path))


def stop_server(server: Server) -> None:
    """Stop the dashboard and wait for it."""
    server.dashboard.stop()


@pytest.fixture(scope="session")
def scored_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """5,200 scored rows in three domains; to be copied."""
    folder = tmp_path_factory.mktemp("scored")
    return scored_project(folder / "project", {"code": 700, "conversation": 3000, "math": 1500})


@pytest.fixture(scope="module")
def server(scored_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard over 5,200 scored rows in three domains; shared by a module, so tests leave it as they found it."""
    folder = tmp_path_factory.mktemp("browser")
    running = start_server(copied(scored_once, folder), folder / "server.log")
    yield running
    stop_server(running)


@dataclass
class Watch:
    """What the browser did that it should not."""

    foreign_requests: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)

    def follow(self, page) -> None:
        """Note every request and console error of a page."""
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))

    def _request(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.foreign_requests.append(request.url)

    def _console(self, message) -> None:
        address = message.location.get("url", "")
        known = "404" in message.text and address.endswith(KNOWN_404)
        if message.type == "error" and not known:
            self.console_errors.append(f"{message.text} ({address})")

    def check(self) -> None:
        """Fail for anything noted."""
        assert self.foreign_requests == []
        assert self.console_errors == []


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """One Chromium for the session."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: install one, or name it in LOBASS_CHROMIUM")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # Five seconds, the usual, are too few on a machine that runs all tests at once.
    playwright.expect.set_options(timeout=90_000)
    with playwright.sync_playwright() as running:
        # In a container Chromium has no sandbox of its own; it sees nothing but our own pages.
        # Names that nobody owns lead to this machine, as those of an attacker would.
        names = "--host-resolver-rules=MAP *.example 127.0.0.1"
        chromium = running.chromium.launch(executable_path=path, args=["--no-sandbox", names])
        yield chromium
        chromium.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Project], Server]]:
    """Start a dashboard of this test's own: `serve(project)`. It runs until the page before it has closed."""
    running: list[Server] = []

    def start(project: Project) -> Server:
        running.append(start_server(project, tmp_path / f"server{len(running)}.log"))
        return running[-1]

    yield start
    for server in running:
        stop_server(server)


@pytest.fixture
def page(browser, serve) -> Iterator[object]:
    """A fresh page at 1280x800 in the light theme, watched; fails for foreign requests and console errors.

    It is closed before any server of `serve` stops: a page still loading its scripts would log each one refused.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    watch = Watch()
    opened = context.new_page()
    opened.set_default_timeout(90_000)
    watch.follow(opened)
    yield opened
    context.close()
    watch.check()
