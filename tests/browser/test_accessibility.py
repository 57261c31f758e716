"""axe on each page, contrast as it is painted, nothing cut off at 150 %."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accessibility import places, projects
from tests.browser.conftest import Server, start_server, stop_server

axe = pytest.importorskip("tests.accessibility.axe", reason="axe-playwright-python is not installed")
MEASURES = Path(places.__file__).with_name("measures.js").read_text(encoding="utf-8")
FILLED = [place for place in places.pages() if place.project == "filled"]
# `make axe` has axe on every page; contrast and what is cut off are tried here on the fullest of them.
FULLEST = ("browse", "select")
# What is selected is written in the accent, and a button's words stand on it.
MARKED = {
    "select": ["[data-testid=stButtonGroup] button[data-selected]", "[data-testid=stTab][data-selected]"],
    "learnability": ["[data-testid=stButtonGroup] button[data-selected]", "[data-testid=stBaseButton-primary]"],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard over the project that has something on every page."""
    folder = tmp_path_factory.mktemp("accessibility")
    running = start_server(projects.filled(folder / "project"), folder / "server.log")
    yield running
    stop_server(running)


@pytest.fixture
def narrow(page):
    """The dark theme at 1280 pixels and 150 %: the least room, and the theme with less contrast."""
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.set_viewport_size({"width": 853, "height": 533})
    page.add_init_script(MEASURES)
    return page


def show(page, server: Server, place: places.Place) -> None:
    page.goto(server.url(place.path))
    places.settle(page)


@pytest.mark.parametrize(
    "place",
    [pytest.param(one, marks=() if one.page in FULLEST else pytest.mark.thorough, id=one.name) for one in FILLED],
)
def test_a_page_in_the_dark_at_150_percent(server: Server, narrow, place: places.Place) -> None:
    show(narrow, server, place)
    assert axe.violations(narrow) == []
    assert narrow.evaluate("measures.lowContrast()") == []
    assert narrow.evaluate("measures.cutOff()") == []
    assert narrow.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for selector in MARKED.get(place.page, ()):
        assert narrow.evaluate("selector => measures.contrast(selector)", selector) >= 4.5


def test_pictures_follow_a_switch_of_theme(server: Server, page) -> None:
    show(page, server, next(place for place in FILLED if place.page == "learnability"))
    page.get_by_role("radio", name="Loss plane").click()
    inks = "[...document.querySelectorAll('.js-plotly-plot svg text')].map((text) => text.style.fill)"
    page.wait_for_function(f"{inks}.includes('rgb(91, 99, 112)')")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{inks}.includes('rgb(154, 162, 175)')")
