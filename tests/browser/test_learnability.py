"""Learnability and Compare in a real browser: a brush finds exactly its rows in Browse, charts leave as files."""

import itertools
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lobass_core.learnability.measure_values import values_of
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import browse, compare, explore
from lobass_core.workflows import select as selections
from lobass_core.workflows.browse_filter import BrowseFilter
from tests.browser.conftest import Server
from tests.filters import ranged

# Where a hand drags: a panel of Plotly's, or the whole of our own chart.
PANELS = ".js-plotly-plot .draglayer .nsewdrag, .distribution > svg"


# Whether what the selector finds first has stood where it stands for ten frames.
STILL = """
(selector) => new Promise((answer) => {
  const box = () => {
    const look = (root) => root.querySelector(selector)
      ?? [...root.querySelectorAll('*')].map((node) => node.shadowRoot && look(node.shadowRoot)).find(Boolean)
    return JSON.stringify(look(document)?.getBoundingClientRect() ?? null)
  }
  const first = box()
  let frames = 0
  const next = () => {
    if (first === 'null' || box() !== first) answer(false)
    else if ((frames += 1) === 10) answer(true)
    else requestAnimationFrame(next)
  }
  next()
})
"""


def open_view(page, server: Server, view: str) -> None:
    """Open a view by its link, and wait until the server has nothing left to send."""
    page.goto(server.url(f"learnability?view={view.lower().replace(' ', '-')}"))
    page.locator(PANELS).first.wait_for(state="attached")
    page.wait_for_selector("[data-test-script-state=notRunning]", state="attached")
    page.wait_for_function(STILL, arg=PANELS)


def drag(page, left: float, top: float, right: float, bottom: float) -> None:
    """Drag over the first panel, in shares of its width and height."""
    panel = page.locator(PANELS).first.bounding_box()
    x, y, width, height = panel["x"], panel["y"], panel["width"], panel["height"]
    page.mouse.move(x + left * width, y + top * height)
    page.mouse.down()
    page.mouse.move(x + (left + right) / 2 * width, y + (top + bottom) / 2 * height, steps=4)
    page.mouse.move(x + right * width, y + bottom * height, steps=4)
    page.mouse.up()


def browse_button(page):
    return page.locator("[data-testid=stMainBlockContainer] button", has_text="Browse these")


def n_in(text: str) -> int:
    return int(re.search(r"[\d,]+", text)[0].replace(",", ""))  # type: ignore[index]


@pytest.mark.parametrize("view", ["Distributions", "Loss plane", pytest.param("Length", marks=pytest.mark.thorough)])
def test_a_brush_finds_its_rows_in_browse(page, server: Server, view: str) -> None:
    open_view(page, server, view)
    drag(page, 0.3, 0.2, 0.7, 0.8)
    browse_button(page).wait_for()
    n = n_in(browse_button(page).inner_text())
    assert n > 0
    browse_button(page).click()
    page.wait_for_url("**/browse?**")
    page.wait_for_selector(".item.current")
    query = dict(pair.split("=") for pair in page.url.partition("?")[2].split("&"))
    found = browse.find(server.project, BrowseFilter.from_query(query))
    release(server.project.store_path)
    assert found.n_found == n
    page.get_by_text(re.compile(rf"{n:,} of 5,200")).first.wait_for()


def test_clearing_takes_the_box_off_the_chart(page, server: Server) -> None:
    open_view(page, server, "Distributions")
    drag(page, 0.3, 0.2, 0.6, 0.8)
    page.get_by_role("button", name="Clear brush").click()
    page.get_by_role("button", name=re.compile("Browse all 5,200")).wait_for()
    page.locator(".distribution .shade").wait_for(state="hidden")


def test_keys_brush_a_range_and_take_it_off(page, server: Server) -> None:
    open_view(page, server, "Distributions")
    start = page.locator(".distribution [data-end='0']")
    start.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    browse_button(page).wait_for()
    low = float(start.get_attribute("aria-valuenow"))
    high = float(page.locator(".distribution [data-end='1']").get_attribute("aria-valuenow"))
    rows = explore.scored(server.project)
    release(server.project.store_path)
    # A key moves an end by a hundredth of the axis, with Shift by a tenth.
    shape = explore.distribution(rows)
    assert low == pytest.approx(shape.edges[0] + 0.4 * (shape.edges[-1] - shape.edges[0]))
    # A slow machine may answer for a range on the way there first.
    n = explore.n_within(rows, ranged(learnability=(low, high)))
    expect(browse_button(page)).to_contain_text(f"these {n:,} ")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("Browse all 5,200")).wait_for()


def test_a_range_drawn_by_keys_is_taken_over_when_the_keyboard_goes_on(page, server: Server) -> None:
    open_view(page, server, "Distributions")
    # Without the moment that the chart waits for another key.
    page.evaluate(
        """() => {
          const set = setTimeout
          window.setTimeout = (act, ms, ...rest) => (ms === 220 ? -1 : set(act, ms, ...rest))
        }"""
    )
    page.locator(".distribution [data-end='0']").press("Shift+ArrowRight")
    page.keyboard.press("Tab")
    browse_button(page).wait_for(timeout=10_000)


def test_three_domains_are_ridges_with_their_numbers(page, server: Server) -> None:
    open_view(page, server, "Distributions")
    shape = explore.distribution(explore.scored(server.project))
    release(server.project.store_path)
    texts = page.locator(".distribution text.facts").all_text_contents()
    assert texts == [f"n {n:,} · median {median:.2f}" for n, median in zip(shape.n, shape.median, strict=True)]
    boxes = [path.bounding_box() for path in page.locator(".distribution path.under").all()]
    # One below the other, none over another.
    assert all(upper["y"] + upper["height"] <= lower["y"] for upper, lower in itertools.pairwise(boxes))


def test_a_region_opens_the_rows_it_counts(page, server: Server) -> None:
    open_view(page, server, "Loss plane")
    link = page.locator("table button.link").first
    link.wait_for()
    n = n_in(link.inner_text())
    link.click()
    page.wait_for_url("**/browse?**")
    page.get_by_text(re.compile(rf"{n:,} of 5,200")).first.wait_for()


def test_a_limit_moves_by_keyboard_and_a_copied_link_shows_the_same_regions(page, server: Server) -> None:
    open_view(page, server, "Loss plane")
    page.get_by_role("button", name="Limits").focus()
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Learnable from, math").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("0,5")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Limits · 1 moved").wait_for()
    page.wait_for_url("**limit=math%3A0.5%3A**")
    table = explore.score_table(server.project)
    release(server.project.store_path)
    is_math = table.domain_code == table.domains.index("math")
    n = int((values_of(table, "learnability")[is_math] >= 0.5).sum())
    row = page.get_by_role("row", name=re.compile("^math"))
    expect(row.get_by_role("cell").nth(1)).to_contain_text(f"{n:,}")
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.get_by_text("where you put it in math").wait_for()
    expect(row.get_by_role("cell").nth(1)).to_contain_text(f"{n:,}")


def test_a_chart_leaves_as_picture_and_as_numbers(page, server: Server, tmp_path: Path) -> None:
    open_view(page, server, "Distributions")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("SVG", exact=True).click()
    page.locator(".distribution [data-picture=svg]").wait_for()
    with page.expect_download() as numbers:
        page.get_by_role("button", name="Numbers as CSV").click()
    lines = Path(numbers.value.path()).read_text().splitlines()
    shape = explore.distribution(explore.scored(server.project))
    release(server.project.store_path)
    assert lines[0] == "domain,low,high,rows"
    assert sum(int(line.rsplit(",", 1)[1]) for line in lines[1:]) == int(shape.n.sum()) == 5200
    page.keyboard.press("Escape")
    with page.expect_download() as picture:
        page.get_by_role("button", name="Download the picture").click()
    assert picture.value.suggested_filename == "distribution-learnability.svg"
    drawn = Path(picture.value.path()).read_text()
    assert drawn.startswith("<svg") and "conversation" in drawn and "brush" not in drawn


def test_compare_opens_the_row_it_shows(page, server: Server) -> None:
    selections.save(server.project, "natural", SelectionSpec(value=0.1), replace=True)
    selections.save(server.project, "equal", SelectionSpec(value=0.1, balance="equal"), replace=True)
    release(server.project.store_path)
    page.goto(server.url("compare"))
    row = page.locator("tr[data-on]").first
    row.wait_for()
    prompt = row.locator("td").last.inner_text()
    row.click()
    page.wait_for_url("**/browse?**")
    page.locator(".item.current").get_by_text(prompt[:20]).first.wait_for()


@pytest.mark.thorough
def test_parts_of_two_selections_open_whole_and_come_apart_by_their_chips(page, server: Server) -> None:
    a, b = "<b>wide</b>", "equal, half"
    selections.save(server.project, a, SelectionSpec(value=0.1), replace=True)
    selections.save(server.project, b, SelectionSpec(value=0.1, balance="equal"), replace=True)
    found = compare.compare(compare.saved_side(server.project, a), compare.saved_side(server.project, b))
    shared, n_b = found.overlap, found.composition[1].n_kept
    assert min(shared.only_a, shared.both, shared.only_b) > 0
    release(server.project.store_path)
    # From the Select page, where one of the two is the working selection, with both sides chosen, whatever was before.
    page.goto(server.url("compare?kind=methods"))
    page.get_by_text("Overlap by domain").wait_for()
    page.get_by_role("link", name="Select", exact=True).click()
    page.wait_for_selector(".instrument .status.exact")
    choose(page, "Working selection", a)
    page.get_by_role("tab", name="Overlap with saved").click()
    choose(page, "Compare with", b)
    page.get_by_role("button", name="Compare row by row").click()
    page.wait_for_url("**/compare**")
    page.get_by_text("Overlap by domain").wait_for()
    sides = [page.get_by_role("combobox", name=f"{letter}: selection").input_value() for letter in "AB"]
    assert sides == [f"A: {a}", f"B: {b}"]
    # All rows that only B keeps, then all of B, then everything but A.
    page.get_by_role("radio", name=re.compile("Only in B")).click()
    page.get_by_role("button", name=f"Browse the {shared.only_b:,} rows only in B").click()
    page.wait_for_url("**/browse?**")
    page.get_by_text(re.compile(rf"{shared.only_b:,} of 5,200")).first.wait_for()
    link = page.url
    page.get_by_role("button", name=f"not in {a}").click()
    page.get_by_text(re.compile(rf"{n_b:,} of 5,200")).first.wait_for()
    # The link finds them again, in a session that has not been here.
    page.goto(link)
    page.get_by_text(re.compile(rf"{shared.only_b:,} of 5,200")).first.wait_for()
    page.get_by_role("button", name=f"in {b}", exact=True).click()
    page.get_by_text(re.compile(rf"{5200 - found.composition[0].n_kept:,} of 5,200")).first.wait_for()


def choose(page, label: str, option: str) -> None:
    """Pick an option of a select box."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()
    page.wait_for_selector("[data-test-script-state=notRunning]", state="attached")
