"""The demo's first screen: what it says, and that it leads to an exported file in five clicks."""

import json
import re
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import select as selections
from lobass_core.workflows.demo import MARKER
from tests.browser.test_frame import wait_for_run
from tests.pages.projects import scored_project

COUNT_CLICKS = """
window.clicks = Number(sessionStorage.getItem("clicks"))
addEventListener("click", event => event.isTrusted && sessionStorage.setItem("clicks", ++window.clicks), true)
"""


@pytest.fixture
def demo(tmp_path: Path) -> Project:
    """A project that says of itself that it is a finished demo."""
    project = scored_project(tmp_path / "demo", {"conversation": 600, "math": 400})
    selections.save(project, "demo", SelectionSpec(value=0.167))
    (project.root / MARKER).write_text(json.dumps({"n_rows": 1000, "run_id": "r-0001"}))
    release(project.store_path)
    return project


def test_five_clicks_from_the_first_screen_to_a_file_on_disk(serve, page, demo: Project):
    page.add_init_script(COUNT_CLICKS)
    page.goto(serve(demo).url())
    wait_for_run(page)
    about = page.get_by_role("note", name="About this demo")
    assert [line.split(" ")[0] for line in about.inner_text().splitlines()] == ["This", "Learnability", "Next:"]
    assert "1,000 sample rows in 2 domains" in about.inner_text() and "the 167 selected" in about.inner_text()
    lines = export_half(page, demo.root)
    assert len(lines) == 500
    assert page.evaluate("window.clicks") == 5


def export_half(page, root: Path) -> list[dict]:
    """From the demo's Overview: cut at 50 %, and export; the rows on disk."""
    page.get_by_role("note", name="About this demo").get_by_role("button", name="move the cut").click()
    page.wait_for_selector(".instrument .status.exact")
    page.locator("[data-preset='0.5']").click()
    page.locator(".instrument .preset.on[data-preset='0.5']").wait_for()
    page.wait_for_selector(".instrument .status.exact")
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("button", name="Save and export").click()
    page.get_by_role("button", name=re.compile(r"^Export [\d,]+ rows")).click()
    page.get_by_text("rows are on disk · verified").wait_for()
    text = (root / "exports" / "top-50-percent-trl" / "train.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
