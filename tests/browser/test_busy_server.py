"""Decisions made while the server does not answer: a busy one is waited for, another one is asked anew."""

import pytest

from tests.browser.conftest import Server
from tests.browser.line import Line
from tests.browser.test_browse import open_browse, press, saved, see_into_components  # noqa: F401


@pytest.mark.slow
def test_a_busy_server_is_waited_for_and_another_one_makes_the_page_load_anew(server: Server, page):
    line = Line(page)
    page.clock.install()
    open_browse(page, server, "domain=code")
    page.evaluate("() => { window.isSame = true }")
    line.is_held = True
    press(page, "k")
    with page.expect_response("**/lobass/server"):
        page.clock.fast_forward(20_000)
    page.wait_for_function("() => deep('.saved')?.textContent === '1 not saved'")
    line.let_go()
    saved(page)
    assert page.evaluate("() => window.isSame")

    page.route("**/lobass/server", lambda route: route.fulfill(body="another"))
    line.is_held = True
    press(page, "u")
    with page.expect_navigation():
        page.clock.fast_forward(20_000)
    page.wait_for_selector(".item.current")
    page.wait_for_function("() => !Object.keys(sessionStorage).some((key) => key.startsWith('lobass.unsaved'))")
    assert not page.evaluate("() => window.isSame")
