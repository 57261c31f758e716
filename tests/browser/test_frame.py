"""The frame around every page: deep links, both themes, no word to another host, no torch in the server."""

import urllib.request
from pathlib import Path

import pytest

from pages.components import state
from tests.browser.conftest import READY
from tests.pages.projects import scored_project

PAGES = [("" if name == "overview" else name, title) for name, _, title, _, _ in state.PAGES if state.page_file(name)]


def wait_for_run(page) -> None:
    """The script has run to its end."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)


GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 18, 22)"}


@pytest.mark.parametrize(
    ("path", "title"),
    [pytest.param(path, title, marks=() if path in READY else pytest.mark.thorough, id=title) for path, title in PAGES],
)
def test_every_page_by_its_address_in_both_themes(server, page, path: str, title: str) -> None:
    page.goto(server.url(path))
    wait_for_run(page)
    assert page.title() == f"{title} · LoBaSS"
    if path in READY:
        page.wait_for_selector(READY[path])
    for scheme, ground in GROUNDS.items():
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "ground => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor === ground",
            arg=ground,
        )
        wait_for_run(page)
        assert page.locator("[data-testid=stException]").count() == 0
    # Nothing sticks out sideways at 1280.
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_one_press_of_back_leads_back(server, page) -> None:
    page.goto(server.url("select"))
    for title, path in (("Learnability", "learnability"), ("Select", "select"), ("Overview", "")):
        page.get_by_role("link", name=title, exact=True).click()
        page.wait_for_selector(READY[path])
        wait_for_run(page)
    # Select has written its cut into the address, and Learnability its view.
    for path in ("select", "learnability", "select"):
        page.go_back()
        page.wait_for_url(f"**/{path}?**")
        page.wait_for_selector(READY[path])
        wait_for_run(page)


def test_a_deep_link_is_the_first_thing_a_server_sees(tmp_path: Path, serve, page) -> None:
    page.goto(serve(scored_project(tmp_path / "project", {"math": 40})).url("select"))
    page.wait_for_selector(".instrument .status.exact", timeout=60_000)
    assert page.get_by_role("link", name="Browse").count() == 1


def test_the_server_never_loads_torch(server, page) -> None:
    page.goto(server.url("score"))
    wait_for_run(page)
    maps = Path(f"/proc/{server.process.pid}/maps")
    if not maps.exists():
        pytest.skip("this system does not show what a process has loaded")
    assert "libtorch" not in maps.read_text()


def test_a_folder_without_a_project_offers_to_make_one(tmp_path: Path, serve, page) -> None:
    class Nowhere:
        root = tmp_path / "new"
        store_path = root / "store.duckdb"

    page.goto(serve(Nowhere).url())
    create = page.get_by_role("button", name="Create a project here")
    create.click()
    create.wait_for(state="detached")
    assert (tmp_path / "new" / "store.duckdb").is_file()
    wait_for_run(page)


def test_the_browser_is_told_to_speak_to_this_host_alone(server) -> None:
    with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(server.url()) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self' ")
    assert "http" not in policy.replace("'none'", "")
