"""The Browse page in a real browser: opened, driven by keys, and what it has written."""

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import decide
from tests.browser.conftest import Server
from tests.eventually import eventually


def open_browse(page, server: Server, query: str = "") -> None:
    page.goto(server.url("browse" + (f"?{query}" if query else "")))
    page.wait_for_selector(".item.current")


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def current_row(page) -> int:
    return int(page.get_attribute(".item.current", "data-key"))


def saved(page) -> None:
    page.wait_for_function("() => { const s = deep('.saved'); return s && s.textContent === 'saved' }", timeout=60_000)


@pytest.fixture(autouse=True)
def see_into_components(page) -> None:
    """Components live in shadow roots; playwright's selectors see into them, plain scripts do not."""
    # Nothing here waits for long, but on a machine that runs all tests at once.
    page.set_default_timeout(60_000)
    page.add_init_script(
        """window.deep = (selector) => {
          const look = (root) => {
            const found = root.querySelector(selector)
            if (found) return found
            for (const node of root.querySelectorAll('*')) {
              if (node.shadowRoot) { const inner = look(node.shadowRoot); if (inner) return inner }
            }
            return null
          }
          return look(document)
        }"""
    )


def wait_for_log(project: Project, n: int) -> list:
    """The log as soon as it holds n standing decisions more; the dashboard gives the store back between acts."""

    def standing() -> list:
        found = [one for one in decide.log(project, 1000) if not one.undone_at]
        release(project.store_path)
        return found

    return eventually(standing, lambda found: len(found) >= n)
