"""Scoring in the browser with a real worker: look, start, reload in the middle, cancel, resume, done."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, start_server, stop_server
from tests.models import tiny_llama
from tests.pages.projects import imported_project

pytestmark = pytest.mark.slow
N_ROWS = 6000


@pytest.fixture(scope="module")
def unscored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard over 6,000 rows, and two small models beside its project."""
    folder = tmp_path_factory.mktemp("score")
    project = imported_project(folder / "project", {"math": N_ROWS})
    tiny_llama(folder / "base", seed=0)
    tiny_llama(folder / "reference", seed=1)
    running = start_server(project, folder / "server.log")
    yield running
    stop_server(running)


def choose(page, label: str, value: str) -> None:
    field = page.get_by_role("combobox", name=label).first
    field.click()
    field.fill(value)
    page.keyboard.press("Enter")


def test_score_survives_reload_cancel_and_resume(unscored: Server, page) -> None:
    page.set_default_timeout(120_000)
    folder = unscored.project.root.parent
    page.goto(unscored.url("score"))
    choose(page, "Base", str(folder / "base"))
    choose(page, "Reference", str(folder / "reference"))
    page.get_by_text("Model input").wait_for()
    page.get_by_role("button", name=f"Score, {2 * N_ROWS:,} losses").click()
    page.get_by_text("You can close this tab.").wait_for()
    page.get_by_text("saved base 00000").wait_for()

    page.reload()
    page.get_by_text("You can close this tab.").wait_for()
    page.get_by_role("button", name="Cancel run").click()
    page.get_by_role("button", name="Cancel this run").click()
    page.get_by_text("The run was cancelled.").wait_for()

    page.get_by_role("button", name="Resume").click()
    page.get_by_text(f"Scored {N_ROWS:,} samples").wait_for()
    page.get_by_role("button", name="Select rows").click()
    page.wait_for_selector(".instrument .status.exact")
    # Weights at random read no better than a blind guess: the gate keeps all of their rows out.
    page.get_by_role("button", name=re.compile(r"\d gates?$")).click()
    page.get_by_text("Exclude worse than chance").click()
    expect(page.locator("input[data-budget=samples]")).to_have_value(f"{round(0.06 * N_ROWS):,}")

    with unscored.project.store() as store:
        counts = store.cursor().execute(
            "SELECT count(*), count(DISTINCT (sample_key, model_fp, render_fp)) FROM losses"
        )
        assert counts.fetchone() == (2 * N_ROWS, 2 * N_ROWS)
