"""A hand on the cut: what the instrument shows after each move equals what `select` keeps for the same settings."""

import re

import pytest
from playwright.sync_api import expect

from lobass_core.specs import Gates, SelectionSpec
from lobass_core.workflows import select as selections
from tests.browser.line import Line
from tests.eventually import eventually

EXACT = ".instrument .status.exact"


def open_select(page, server) -> None:
    page.goto(server.url("select"))
    page.wait_for_selector(EXACT)


def cell(page, kind: str) -> str:
    return page.locator(f"input[data-budget={kind}]").input_value()


def whole(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def kept_by_domain(page) -> list[int]:
    return [whole(text) for text in page.locator(".numbers.row .kept").all_text_contents()]


def command(page) -> str:
    page.get_by_role("button", name="Command").click()
    text = page.locator("[data-testid=stPopoverBody] code").first.inner_text()
    page.keyboard.press("Escape")
    return text


def drag(page, selector: str, dx: float, steps: int = 12) -> None:
    box = page.locator(selector).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y, steps=steps)
    page.mouse.up()


def ratio_in(line: str) -> float:
    return float(re.search(r"--ratio (\S+)", line)[1])


def test_drag_of_the_common_cut(server, page) -> None:
    open_select(page, server)
    page.get_by_text("Global", exact=True).click()
    page.wait_for_selector(".cut:visible")
    page.wait_for_selector(EXACT)
    before = whole(cell(page, "samples"))
    drag(page, ".cut", -120)
    page.wait_for_selector(EXACT)
    after = whole(cell(page, "samples"))
    assert after > before
    ratio = ratio_in(command(page))
    result = selections_of(server, SelectionSpec(value=ratio, balance="global"))
    assert after == result.n_kept
    assert kept_by_domain(page) == [share.got for share in result.domains]


def selections_of(server, spec: SelectionSpec):
    return selections.select(server.project, spec)


def test_a_weight_moves_and_the_others_give_way(server, page) -> None:
    open_select(page, server)
    page.get_by_text("Custom", exact=True).click()
    page.wait_for_selector(".thumb.small")
    drag(page, "[data-slider='weight-2']", 25)
    page.wait_for_selector(EXACT)
    line = command(page)
    weights = tuple(
        (name, float(weight))
        for name, weight in (part.split("=") for part in re.search(r"--balance (\S+)", line)[1].split(","))
    )
    result = selections_of(server, SelectionSpec(value=ratio_in(line), balance="custom", weights=weights))
    assert kept_by_domain(page) == [share.got for share in result.domains]
    assert dict(weights)["math"] > 0.35


def test_typing_samples_moves_the_lock(server, page) -> None:
    open_select(page, server)
    field = page.locator("input[data-budget=samples]")
    field.fill("1,000")
    field.press("Enter")
    page.wait_for_selector(".cell.held input[data-budget=samples]")
    page.wait_for_selector(EXACT)
    assert cell(page, "samples") == "1,000"
    result = selections_of(server, SelectionSpec(budget="samples", value=1000))
    assert kept_by_domain(page) == [share.got for share in result.domains]


def test_keys_move_the_ratio_by_a_tenth_and_a_point(server, page) -> None:
    open_select(page, server)
    thumb = page.locator("[data-slider=ratio]")
    thumb.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert thumb.get_attribute("aria-valuenow") == "7.10"
    page.wait_for_selector(EXACT)
    result = selections_of(server, SelectionSpec(value=0.071))
    assert whole(cell(page, "samples")) == result.n_kept
    assert thumb.get_attribute("aria-valuetext").startswith(f"7.10 percent, {result.n_kept:,} rows")
    # Focus survives the rerun, so the next key goes on from here.
    page.keyboard.press("ArrowLeft")
    assert thumb.get_attribute("aria-valuenow") == "7.00"


def test_the_keyboard_stays_in_the_tabs_when_their_verdicts_change(server, page) -> None:
    open_select(page, server)
    tab = page.get_by_role("tab", name="Only length?")
    verdict = "getComputedStyle(document.querySelectorAll('[role=tab]')[2], '::after').content"
    before = page.evaluate(verdict)
    page.locator("[data-slider=ratio]").focus()
    page.keyboard.press("End")
    tab.focus()
    page.wait_for_function(f"{verdict} !== {before!r} && {verdict} !== 'none'")
    page.wait_for_selector(EXACT)
    expect(tab).to_be_focused()


def test_save_as_takes_the_keyboard_and_gives_it_back_to_its_button(server, page) -> None:
    open_select(page, server)
    button = page.get_by_test_id("stPopoverButton").filter(has_text="Save as")
    button.click()
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    expect(name).to_have_value("top-6-percent")
    # A slow page gives the field its value once more, and the browser drops the selection.
    name.evaluate("field => { field.value = 'top-6' }")
    page.keyboard.type("paper")
    expect(name).to_have_value("paper")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.get_by_role("button", name="Export", exact=False).last.click()
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()


def test_a_cut_moved_before_the_answer_to_a_gate_stays_where_the_hand_put_it(server, page) -> None:
    line = Line(page)
    open_select(page, server)
    page.get_by_role("button", name="gates").click()
    gate = page.get_by_text("Exclude duplicates")
    gate.wait_for()
    line.is_held = True
    gate.click()
    page.locator("[data-preset='0.167']").click()
    page.wait_for_selector(".instrument .status.sent")
    line.let_go()
    page.wait_for_url("**ratio=0.167*")
    page.wait_for_selector(EXACT)
    wanted = SelectionSpec(value=0.167, gates=Gates(exclude_duplicates=False))
    assert (cell(page, "ratio"), whole(cell(page, "samples"))) == ("16.70", selections_of(server, wanted).n_kept)
    # The next key goes on from there.
    page.locator("[data-slider=ratio]").press("ArrowRight")
    assert page.get_attribute("[data-slider=ratio]", "aria-valuenow") == "16.80"


@pytest.mark.parametrize(
    ("slider", "keeps_the_hand"), [("[data-slider=ratio]", True), ("[data-slider=handle-0]", False)]
)
def test_a_balance_that_comes_while_the_cut_is_dragged_is_answered(server, page, slider, keeps_the_hand) -> None:
    line = Line(page)
    open_select(page, server)
    box = page.locator(slider).bounding_box()
    line.is_held = True
    page.get_by_text("Equal", exact=True).click()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2, steps=3)
    page.wait_for_selector(".instrument .status.preview")
    line.let_go()
    page.wait_for_url("**balance=equal*")
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    page.wait_for_selector(EXACT)
    ratio = float(cell(page, "ratio"))
    assert ratio > 10 if keeps_the_hand else ratio == 6
    wanted = SelectionSpec(value=ratio / 100, balance="equal")
    assert whole(cell(page, "samples")) == selections_of(server, wanted).n_kept


def test_a_cut_moved_by_keys_is_sent_when_the_keyboard_goes_on(server, page) -> None:
    open_select(page, server)
    state = page.locator("[data-slider=ratio]").evaluate(
        """slider => {
          slider.focus()
          slider.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }))
          slider.blur()
          return slider.getRootNode().querySelector(".status").className
        }"""
    )
    assert state == "status sent"
    page.wait_for_url("**ratio=0.061*")


def test_a_gate_leaves_the_instrument_where_it_is(server, page) -> None:
    open_select(page, server)
    field = page.locator("input[data-budget=samples]").element_handle()
    page.get_by_role("button", name=re.compile(r"\d gates?$")).click()
    page.get_by_text("Exclude negative").click()
    page.get_by_role("button", name="Excludes negative").wait_for()
    page.wait_for_selector(EXACT)
    # A chip has come above it; the field is the one that was there before, and the only one.
    assert field.evaluate("field => field.isConnected")
    expect(page.locator("input[data-budget=samples]")).to_have_count(1)


def test_a_wide_window_has_the_rows_at_the_cut_beside_taller_ridges(server, page) -> None:
    open_select(page, server)
    narrow = page.locator(".domain").first.bounding_box()
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.wait_for_function("() => window.innerWidth === 1920")
    beside = page.get_by_text("Last kept").first
    beside.wait_for()
    ridges, tables = eventually(
        lambda: (page.locator(".plot").bounding_box(), beside.bounding_box()),
        lambda boxes: boxes[1]["x"] > boxes[0]["x"] + boxes[0]["width"] and boxes[0]["height"] > 4 * narrow["height"],
    )
    assert tables["x"] > ridges["x"] + ridges["width"]
    assert tables["y"] < ridges["y"] + ridges["height"]
    wide = page.locator(".domain").first.bounding_box()
    assert wide["height"] > 2 * narrow["height"]
    # All of it without scrolling, and a drag still finds its score.
    assert ridges["y"] + ridges["height"] < 1080
    page.get_by_text("Global", exact=True).click()
    page.wait_for_selector(".cut:visible")
    page.wait_for_selector(EXACT)
    drag(page, ".cut", -120)
    page.wait_for_selector(EXACT)
    result = selections_of(server, SelectionSpec(value=ratio_in(command(page)), balance="global"))
    assert kept_by_domain(page) == [share.got for share in result.domains]


def test_a_comma_is_read_nonsense_is_marked_and_a_reload_keeps_the_cut(server, page) -> None:
    open_select(page, server)
    ratio, samples = page.locator("input[data-budget=ratio]"), page.locator("input[data-budget=samples]")
    ratio.fill("16,7")
    ratio.press("Enter")
    page.wait_for_selector(EXACT)
    kept = selections_of(server, SelectionSpec(value=0.167)).n_kept
    assert (cell(page, "ratio"), whole(cell(page, "samples"))) == ("16.70", kept)
    for typed, words in (("a lot", "not a number"), ("167", "must be above 0 and at most 100")):
        ratio.fill(typed)
        ratio.press("Enter")
        page.wait_for_selector("input[data-budget=ratio][aria-invalid=true]")
        assert page.locator(f"#{ratio.get_attribute('aria-describedby')}").inner_text() == words
        # What was typed stays to be mended, and nothing else has moved.
        assert (cell(page, "ratio"), whole(cell(page, "samples"))) == (typed, kept)
    ratio.press("Escape")
    samples.fill("1.000")
    samples.press("Enter")
    page.wait_for_selector(".cell.held input[data-budget=samples]")
    page.wait_for_selector(EXACT)
    assert ratio.get_attribute("aria-invalid") is None
    page.wait_for_function("location.search.includes('budget-samples=1000')")
    page.reload()
    page.wait_for_selector(".cell.held input[data-budget=samples]")
    assert cell(page, "samples") == "1,000"
    page.go_back()
    page.wait_for_selector(".cell.held input[data-budget=ratio]")
    assert cell(page, "ratio") == "16.70"


def test_a_field_of_the_gates_marks_what_is_no_number(server, page) -> None:
    open_select(page, server)
    page.get_by_role("button", name="gates").click()
    field = page.get_by_role("textbox", name="Minimum learnability")
    field.fill("1,234")
    field.press("Enter")
    page.get_by_role("alert").get_by_text("1,234 can mean 1.234 or 1234").wait_for()
    assert (field.get_attribute("aria-invalid"), field.input_value()) == ("true", "1,234")
    box = page.get_by_test_id("stTextInputRootElement").filter(has=field)
    expect(box).to_have_css("border-top-color", "rgb(180, 35, 24)")
    field.fill("0,1")
    field.press("Enter")
    page.get_by_role("alert").wait_for(state="detached")
    assert (field.get_attribute("aria-invalid"), field.input_value()) == (None, "0.1")
    page.wait_for_function("location.search.includes('min-learnability=0.1')")
