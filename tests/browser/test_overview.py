"""Overview in a real browser: domains lead to samples, the next step to its page, columns stand under their numbers."""

from pathlib import Path

import pytest

from lobass_core.project import Project
from tests.browser.conftest import Server, start_server, stop_server


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory):
    """The dashboard over an empty project."""
    folder = tmp_path_factory.mktemp("empty")
    running = start_server(Project.create(folder / "new"), folder / "server.log")
    yield running
    stop_server(running)


def test_a_domain_leads_to_its_samples(page, server: Server) -> None:
    page.goto(server.url())
    page.get_by_role("button", name="math", exact=True).first.click()
    page.wait_for_url("**/browse?*domain=math*")
    page.get_by_text("1,500 of 5,200").first.wait_for()


def test_a_dataset_leads_to_its_samples_by_keyboard(page, server: Server) -> None:
    page.goto(server.url())
    row = page.locator("[data-on='dataset-0']")
    row.wait_for()
    row.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/browse?*dataset=code*")


def test_columns_stand_under_their_numbers(page, server: Server) -> None:
    page.goto(server.url())
    page.locator(".way .stations").nth(1).wait_for()
    cells = [cell.bounding_box()["x"] for cell in page.locator(".strip .cell").all()]
    lanes = page.locator(".way").nth(1).locator(".stations > .lane").all()
    for cell, lane in zip(cells[1:5], lanes, strict=True):
        assert abs(cell - lane.bounding_box()["x"]) <= 1.5
    ribbon = page.locator(".ribbon").first.bounding_box()
    assert abs(ribbon["x"] - cells[1]) <= 1.5
    assert abs(ribbon["x"] + ribbon["width"] - cells[5]) <= 1.5


@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_sticks_out_of_the_page(page, server: Server, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(server.url())
    page.locator(".ridge").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for table in page.locator("table").all():
        assert table.evaluate("e => e.scrollWidth <= e.clientWidth + 1")


def test_a_typed_path_arrives_at_the_import_page(page, empty_server: Server) -> None:
    path = empty_server.project.root / "data.json"
    Path(path).write_text('[{"instruction": "Add 2 and 2.", "input": "", "output": "4"}]', encoding="utf-8")
    page.goto(empty_server.url())
    page.get_by_text("worth training on?").first.wait_for()
    field = page.get_by_placeholder("/data/alpaca_data.json")
    field.fill(str(path))
    field.press("Enter")
    page.get_by_role("button", name="Import").last.click()
    page.wait_for_url("**/import**")
    page.get_by_text("Add 2 and 2.").first.wait_for()
