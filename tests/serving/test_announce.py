"""The address on the terminal and in the browser."""

import re
import threading
import webbrowser
from pathlib import Path

import pytest

from lobass_core.workflows.serve import ServeSpec
from pages.serving import access, announce
from pages.serving.access import Access


@pytest.fixture
def browser(monkeypatch, tmp_path: Path) -> list[str]:
    """What the browser is told to open, with the text of the file as it was then."""
    seen: list[str] = []
    monkeypatch.setenv("LOBASS_PROJECT", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(announce, "settings", ServeSpec)
    monkeypatch.setattr(announce, "access", lambda: Access("secret-token"))
    monkeypatch.setattr(webbrowser, "open", lambda address: seen.append(address))
    return seen


def test_the_browser_is_led_by_a_file_of_the_owner_and_no_command_line_names_the_token(browser, tmp_path, capsys):
    (tmp_path / "open-dashboard.html").write_text("of an earlier time, and readable")
    announce.announce(8600)
    for thread in threading.enumerate():
        if thread.name == "open-browser":
            thread.join()
    page = tmp_path / "open-dashboard.html"
    assert browser == [page.as_uri()]
    assert page.stat().st_mode & 0o777 == 0o600
    assert re.search(r'content="0; url=http://127\.0\.0\.1:8600/\?token=secret-token"', page.read_text())
    assert "http://127.0.0.1:8600/?token=secret-token\n" in capsys.readouterr().err
    announce.forget(tmp_path)
    assert not page.exists()


def test_no_browser_opens_without_a_screen(browser, monkeypatch, tmp_path):
    monkeypatch.setattr(announce.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    announce.announce(8600)
    assert browser == []
    assert not (tmp_path / "open-dashboard.html").exists()


def test_started_by_hand_it_asks_for_the_token_and_opens_no_browser(monkeypatch, tmp_path):
    monkeypatch.setenv("LOBASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOBASS_PROJECT", str(tmp_path))
    monkeypatch.delenv("LOBASS_SERVE", raising=False)
    found = access.access.__wrapped__()
    assert found.token == access.token_of(tmp_path) and not found.origins
    assert not access.settings.__wrapped__().open_browser
