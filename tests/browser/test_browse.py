"""Browse in a real browser: move, mark, undo, turn pages, read token losses; nothing is lost and nothing is run."""

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import browse, decide
from lobass_core.workflows.browse_filter import BrowseFilter
from tests.browser.browse_page import (
    current_row,
    open_browse,
    press,
    saved,
    see_into_components,  # noqa: F401
    wait_for_log,
)
from tests.browser.conftest import Server, start_server, stop_server
from tests.filled_project import Row, fill
from tests.filters import ranged

N_FAST = 20


def test_keys_move_and_mark_and_every_fast_mark_is_on_disk(server: Server, page):
    open_browse(page, server)
    before = len(wait_for_log(server.project, 0))
    rows = []
    # Twenty a second: each key follows the last at once, and each decision leads to the next row.
    for number in range(N_FAST):
        rows.append(current_row(page))
        press(page, "k" if number % 2 else "d")
    saved(page)
    found = wait_for_log(server.project, before + N_FAST)
    assert len(found) == before + N_FAST
    with_rows = browse.find(server.project, BrowseFilter(decisions=("keep",)))
    kept = set(with_rows.rows.table.row_key[with_rows.positions].tolist())
    assert set(rows[1::2]) <= kept
    assert not set(rows[0::2]) & kept
    # What was undone is undone on the screen and on disk.
    press(page, "z", "z")
    saved(page)
    assert len(wait_for_log(server.project, before + N_FAST - 2)) == before + N_FAST - 2
    assert page.get_attribute(f"[data-key='{rows[-1]}'] .mark", "class") == "mark undecided"
    assert current_row(page) == rows[-2]
    decide_all_back(server.project, before)


def decide_all_back(project: Project, n: int) -> None:
    """Leave the shared project as it was."""
    while len([one for one in decide.log(project, 1000) if not one.undone_at]) > n:
        decide.undo(project)
    release(project.store_path)


def test_no_key_is_lost_at_the_edge_of_a_page(server: Server, page):
    open_browse(page, server, "domain=code")
    for _ in range(60):
        press(page, "ArrowDown")
    assert "rows 51–100" in page.inner_text(".count")
    page.wait_for_selector(".list:not(.waiting) .item.current")
    order = browse.find(server.project, BrowseFilter(domains=("code",)))
    expected = int(order.rows.table.row_key[order.positions[60]])
    release(server.project.store_path)
    assert current_row(page) == expected
    for _ in range(15):
        press(page, "p")
    assert "rows 1–50" in page.inner_text(".count")
    assert current_row(page) == int(order.rows.table.row_key[order.positions[45]])


def test_the_address_names_filter_page_and_row_and_reload_shows_them(server: Server, page):
    open_browse(page, server, "domain=math&score=0.6..0.2")
    n_found = page.inner_text(".count b")
    page.click("nav.pager button[aria-label='Page 3']")
    # Keys that come before the page does count from its first row.
    press(page, "ArrowDown", "ArrowDown")
    page.wait_for_selector(".list:not(.waiting) .item.current")
    found = browse.find(server.project, ranged("math", learnability=(0.2, 0.6)))
    release(server.project.store_path)
    row = int(found.rows.table.row_key[found.positions[102]])
    assert current_row(page) == row
    page.wait_for_url(f"**row={row}*")
    page.reload()
    page.wait_for_selector(".item.current")
    assert current_row(page) == row
    assert page.inner_text(".count b") == n_found
    assert "rows 101–150" in page.inner_text(".count")


def test_a_chip_takes_its_condition_away_and_back_brings_it_back(server: Server, page):
    open_browse(page, server, "domain=math")
    assert page.inner_text(".count b") == "1,500"
    page.evaluate("deep('.browser').dataset.seen = 'yes'")
    page.click("button:has-text('domain: math')")
    page.wait_for_function("() => deep('.count b')?.textContent === '5,200'")
    assert "domain" not in page.url
    # The list is the same element still: nothing was mounted anew, so nothing flickers.
    assert page.evaluate("deep('.browser').dataset.seen") == "yes"
    page.go_back()
    page.wait_for_function("() => deep('.count b')?.textContent === '1,500'")


def test_search_and_typing_keep_the_keys_to_themselves(server: Server, page):
    open_browse(page, server)
    row = current_row(page)
    field = page.get_by_label("Search", exact=True)
    field.click()
    page.keyboard.type("(code 12)")
    page.keyboard.press("Enter")
    page.wait_for_function("() => deep('.count b')?.textContent === '1'")
    assert decide.log(server.project, 1) == [] or not [one for one in decide.log(server.project) if not one.undone_at]
    release(server.project.store_path)
    assert current_row(page) != row


def test_leaving_and_coming_back_finds_filter_and_place(server: Server, page):
    open_browse(page, server, "domain=math")
    # Left at once after a move, and the page between left before it is drawn: neither may lose anything.
    for number in range(3):
        press(page, "ArrowDown", "ArrowDown", "ArrowDown")
        row = current_row(page)
        page.get_by_role("link", name="Select").click()
        if number:
            page.wait_for_selector(".instrument")
        page.get_by_role("link", name="Browse").click()
        page.wait_for_selector(f".item.current[data-key='{row}']")
        assert page.inner_text(".count b") == "1,500"
        assert page.get_attribute(".item.current", "data-place") == str(3 * (number + 1))


def test_a_range_over_pages_is_one_act_and_progress_counts_it(server: Server, page):
    open_browse(page, server, "domain=math")
    before = len(wait_for_log(server.project, 0))
    assert "0 decided of 1,500" in page.inner_text(".progress")
    page.click(".item[data-place='2']")
    for shown in ("rows 51–100", "rows 101–150"):
        press(page, "ArrowRight")
        page.wait_for_function(f"() => deep('.count')?.textContent.includes('{shown}')")
    page.click(".item[data-place='120']", modifiers=["Shift"])
    assert "119 selected" in page.inner_text(".progress")
    press(page, "Shift+ArrowDown", "d")
    saved(page)
    found = wait_for_log(server.project, before + 120)[:120]
    assert len({one.batch_id for one in found}) == 1
    order = browse.find(server.project, BrowseFilter(domains=("math",)))
    keys = order.rows.table.sample_key[order.positions[2:122]].tolist()
    release(server.project.store_path)
    assert sorted(one.sample_key for one in found) == sorted(keys)
    page.wait_for_function("() => deep('.progress')?.textContent.includes('120 decided of 1,500')")
    # On to the row after the range; one undo takes all of it back, on every page.
    assert page.get_attribute(".item.current", "data-place") == "122"
    press(page, "z")
    saved(page)
    page.wait_for_function("() => deep('.progress')?.textContent.startsWith('0 decided of 1,500')")
    assert page.locator(".mark.drop").count() == 0
    assert len(wait_for_log(server.project, before)) == before


@pytest.mark.thorough
def test_what_was_not_saved_is_said_and_saved_when_the_server_is_back(tmp_path, browser):
    project = Project.create(tmp_path / "project")
    fill(project, [Row("First", "One"), Row("Second", "Two")])
    running = start_server(project, tmp_path / "server.log")
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    second = None
    try:
        page = context.new_page()
        page.set_default_timeout(60_000)
        open_browse(page, running)
        stop_server(running)
        press(page, "k")
        assert page.get_attribute("[data-place='0'] .mark", "class") == "mark keep"
        press(page, "d")
        page.wait_for_selector(".saved.late")
        assert page.inner_text(".saved") == "2 not saved"
        second = start_server(project, tmp_path / "second.log", running.port)
        page.wait_for_selector(".saved:not(.late):has-text('saved')")
        assert [one.verdict for one in wait_for_log(project, 2)] == ["drop", "keep"]
    finally:
        context.close()
        stop_server(running)
        if second:
            stop_server(second)


def test_help_lists_the_keys_and_the_list_speaks(server: Server, page):
    open_browse(page, server)
    press(page, "?")
    keys = page.inner_text(".help")
    for words in ("keep the row", "repeat the last decision", "review queue", "saved filters", "search"):
        assert words in keys
    press(page, "Escape")
    assert page.is_hidden(".help")
    assert page.get_attribute(".list", "role") == "listbox"
    assert page.get_attribute(".item.current", "aria-selected") == "true"
    assert "score" in page.get_attribute(".item.current", "aria-label")
    active = page.get_attribute(".list", "aria-activedescendant")
    assert active == f"row-{current_row(page)}"
