"""Nothing of Streamlit's own is shown: no banner, no "Made with", no advice on `streamlit run`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lobass_core import __version__
from lobass_core.project import Project
from lobass_core.workflows.serve import APP
from tests.browser.conftest import Server
from tests.browser.test_frame import wait_for_run

# With any of these in the home folder, Streamlit offers to install files for coding agents.
AGENT_FOLDERS = (".claude", ".cursor", ".codex")
REASON = """
from streamlit import config
config.set_option("server.headless", False)
config.set_option("logger.hideWelcomeMessage", {hidden})
from streamlit.web import skills
print(skills.nudge_suppression_reason({folder!r}) or "shown")
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder as those have who work with coding agents; a dashboard that the test starts has it."""
    for name in AGENT_FOLDERS:
        (tmp_path / "home" / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def reason(home: Path, *, hidden: bool) -> str:
    """Why Streamlit shows no banner in that home; "shown" where it does."""
    code = REASON.format(hidden=hidden, folder=str(APP.parent))
    return subprocess.check_output([sys.executable, "-c", code], cwd=home, env=os.environ, text=True).strip()


@pytest.fixture
def opened(browser, serve, tmp_path_factory: pytest.TempPathFactory):
    """A dashboard and a page on it, which the test may leave without a server: the errors of that are no failure.

    The project lies in a folder that does not have the name of the test, which names what must not be seen.
    """
    server: Server = serve(Project.create(tmp_path_factory.mktemp("opened") / "project"))
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    yield server, page
    context.close()


@pytest.mark.slow
def test_only_our_own_words_are_seen_from_the_first_moment_to_the_last(home: Path, opened):
    assert reason(home, hidden=False) == "shown"
    assert reason(home, hidden=True) == "welcome_hidden"
    server, page = opened
    titles: list[str] = []
    page.expose_function("titled", lambda title: titles.append(title))
    page.add_init_script(
        "new MutationObserver(() => window.titled(document.title))"
        ".observe(document, {subtree: true, childList: true, characterData: true})"
    )
    page.goto(server.url())
    wait_for_run(page)
    assert page.locator("[data-testid=stSkillsNudge]").count() == 0
    shown = [title for title in titles if title]
    assert (shown[0], page.title()) == ("LoBaSS", "Overview · LoBaSS")
    assert not any("treamlit" in title for title in shown)
    assert page.evaluate("fetch('/favicon.png').then(r => r.blob()).then(b => b.size)") == len(icon())

    page.get_by_role("button", name="Main menu").click()
    menu = page.get_by_test_id("stMainMenuPopover")
    menu.wait_for()
    themes = [item.inner_text().splitlines()[-1] for item in menu.get_by_role("menuitemradio").all()]
    assert themes == ["System", "Light", "Dark"]
    assert [item.inner_text() for item in menu.get_by_role("menuitem").all()] == ["About"]
    assert f"LoBaSS {__version__}" in menu.inner_text()
    page.keyboard.press("Escape")

    page.goto(server.url("no-such-page"))
    page.get_by_text("The Overview is shown instead.").wait_for()
    page.keyboard.press("Escape")
    assert "treamlit" not in page.locator("body").inner_text()

    server.dashboard.stop()
    page.get_by_text("The dashboard is not responding").first.wait_for(timeout=60_000)
    assert "treamlit" not in page.locator("body").inner_text()
    assert not re.search(r"treamlit|view your|statistics|email", server.log(), re.IGNORECASE)


def icon() -> bytes:
    return (APP.parent / "pages" / "assets" / "icon.png").read_bytes()
