"""One sample read in a real browser: hits, code, reasoning, markdown, long texts, other scripts, markup."""

from collections.abc import Iterator

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import browse
from lobass_core.workflows.author import author_name
from lobass_core.workflows.browse_filter import BrowseFilter
from tests.browser.browse_page import (
    open_browse,
    press,
    saved,
    see_into_components,  # noqa: F401
    wait_for_log,
)
from tests.browser.conftest import Server, start_server, stop_server
from tests.eventually import eventually
from tests.filled_project import Row, fill
from tests.pages.projects import HOSTILE

CODE = "Before\n```python\nprint('<b>1</b>')\n```\n<think>hm, 2</think>\nAfter"
TRUNCATED = "First two words are read, these are not"
ARABIC = "مرحبا بالعالم"


def test_a_filter_is_saved_and_opened_by_keyboard(special: Server, page):
    open_browse(page, special, "domain=chat")
    before = len(wait_for_log(special.project, 0))
    # Typed at once: all of it is for the field of the dialog that opens, and nothing of it decides on a sample.
    press(page, "s")
    page.keyboard.type("talk")
    page.wait_for_function("() => document.activeElement.matches('[role=dialog] input')")
    page.wait_for_function("() => document.activeElement.value === 'talk'")
    press(page, "Enter")
    page.wait_for_selector("section[role=dialog]", state="detached")
    press(page, "/")
    page.keyboard.type("no such text")
    press(page, "Enter")
    page.wait_for_function("() => deep('.count b')?.textContent === '0'")
    press(page, "s")
    page.wait_for_function("() => document.activeElement.matches('[role=dialog] input')")
    page.get_by_role("button", name="talk").focus()
    press(page, "Enter")
    page.wait_for_function("() => deep('.count b')?.textContent === '1'")
    assert "domain=chat" in page.url
    assert len(wait_for_log(special.project, before)) == before


def test_hits_are_marked_in_the_list_and_in_the_text(special: Server, page):
    open_browse(page, special)
    press(page, "/")
    page.keyboard.type("<SCRIPT>document")
    press(page, "Enter")
    page.wait_for_function("() => deep('.count b')?.textContent === '1'")
    assert page.locator(".item mark.hit").all_text_contents() == ["<script>document"] * 2
    # Title in the prompt and in the response, as text and nothing else.
    assert page.locator(".turn mark.hit").all_text_contents() == ["<script>document"] * 2
    assert page.query_selector(".sample script") is None
    # The list has the keys again, and a hit behind a fold is in sight.
    press(page, "/")
    page.keyboard.type("😀 word")
    press(page, "Enter")
    page.wait_for_function("() => deep('mark.hit')?.textContent === '😀 word'")
    press(page, "t")
    page.wait_for_selector(".heat-text .tok")
    press(page, "t")
    raw = page.text_content(".turn.assistant .raw")
    assert raw.startswith("好的 😀 word word")
    assert page.locator(".turn.user mark.hit").count() == 0


def test_what_is_typed_before_the_search_field_is_drawn_is_searched_for(special: Server, page):
    before = len(wait_for_log(special.project, 0))
    held = []
    # Streamlit loads the script of a kind of field when the first one is to be drawn; the list may be there before.
    page.route("**/static/js/TextInput.*.js", lambda request: held.append(request))
    open_browse(page, special)
    press(page, "/")
    page.keyboard.type("<SCRIPTX")
    press(page, "Backspace")
    page.keyboard.type(">document")
    press(page, "Enter", "t")
    assert page.locator(".st-key-browse-w-q input").count() == 0
    held[0].continue_()
    page.wait_for_function("() => deep('.count b')?.textContent === '1'")
    assert page.locator(".st-key-browse-w-q input").input_value() == "<SCRIPT>document"
    # After Enter the list has the keys; nothing of what was typed before decided on a sample.
    page.wait_for_selector(".heat-text .tok")
    assert len(wait_for_log(special.project, before)) == before


def test_a_search_entered_as_the_list_reports_its_place_is_answered(special: Server, page):
    """A busy browser sends both in one go."""
    open_browse(page, special)
    press(page, "/")
    page.keyboard.type("no such text")
    page.evaluate("""() => {
      const tap = (node, key) =>
        node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }))
      tap(deep(".list"), "t")
      tap(document.activeElement, "Enter")
    }""")
    page.wait_for_function("() => deep('.count b')?.textContent === '0'", timeout=10_000)


@pytest.fixture(scope="module")
def special(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A small project with tokens on disk and texts that are hard to show."""
    folder = tmp_path_factory.mktemp("special")
    project = Project.create(folder / "project")
    fill(
        project,
        [
            Row("Plain words first", "One two three four", base=3.0, reference=0.3),
            Row(HOSTILE, HOSTILE, base=2.0, reference=1.0),
            Row(CODE, CODE, base=2.0, reference=1.2),
            Row("Which?", "This one", base=2.0, reference=1.3, thoughts="<b>Either</b>", rejected="That one"),
            Row("Cut off", TRUNCATED, base=1.0, reference=1.9, status="truncated", n_read=2),
            Row(ARABIC, "好的 😀 " + "word " * 600, domain="chat", base=2.0, reference=2.4),
        ],
    )
    running = start_server(project, folder / "server.log")
    yield running
    stop_server(running)


def test_nothing_found_says_so(special: Server, page):
    page.goto(special.url("browse?q=no+such+text"))
    page.wait_for_selector(".sample .nothing")
    assert "No rows match" in page.inner_text(".sample")
    assert page.inner_text(".list") == "No rows"


def test_markup_is_shown_and_not_run(special: Server, page):
    open_browse(page, special)
    press(page, "ArrowDown")
    shown = page.inner_text(".turn.user .raw")
    assert "<script>document.title = 'owned'</script> **bold** $\\frac{1}{0}$" in shown
    assert "U+202E" in shown
    assert "owned" not in page.title()
    assert page.query_selector(".sample script") is None


def test_code_and_thinking_fold_and_nothing_is_left_out(special: Server, page):
    open_browse(page, special)
    press(page, "ArrowDown", "ArrowDown")
    assert page.locator(".turn.user details.code").get_attribute("open") is not None
    assert page.locator(".turn.user details.think").get_attribute("open") is None
    page.locator(".turn.user details.think summary").click()
    raw = "".join(page.locator(".turn.user .raw").all_text_contents())
    assert raw == CODE


def test_reasoning_folds_and_the_rejected_answer_is_said_not_to_be_scored(special: Server, page):
    open_browse(page, special)
    press(page, "ArrowDown", "ArrowDown", "ArrowDown")
    heads = page.locator(".turn h2").all_text_contents()
    assert heads == [
        "user · 6 characters",
        "assistant · chosen · scored · 8 characters",
        "assistant · rejected, not scored yet · 8 characters",
    ]
    thought = page.locator(".turn.assistant details.think")
    assert thought.get_attribute("open") is None
    assert thought.locator("summary").text_content() == "reasoning_content · 13 characters"
    thought.locator("summary").click()
    assert thought.locator(".raw").text_content() == "<b>Either</b>"


def test_long_text_folds_and_unfolds_and_other_scripts_keep_their_direction(special: Server, page):
    open_browse(page, special)
    press(page, "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    assert page.inner_text(".turn.user .raw") == ARABIC
    assert page.eval_on_selector(".turn.user .para", "node => getComputedStyle(node).direction") == "rtl"
    page.click(".turn.assistant .more")
    assert page.text_content(".turn.assistant .raw") == "好的 😀 " + "word " * 600


def test_a_line_shows_where_the_models_stopped_reading(special: Server, page):
    open_browse(page, special)
    press(page, *["ArrowDown"] * 5)
    page.wait_for_selector(".truncated-here")
    heads = page.locator(".turn h2").all_text_contents()
    assert heads[1] == "assistant · scored · 39 characters · truncated, 9 characters read"
    assert page.locator(".turn.assistant .raw").all_text_contents() == ["First two", " words are read, these are not"]
    assert page.text_content(".turn.assistant .unread") == " words are read, these are not"


def test_markdown_and_formulas_are_drawn_on_request_and_markup_is_still_text(special: Server, page):
    open_browse(page, special)
    press(page, "ArrowDown", "f")
    page.wait_for_selector(".turn.user .formatted math mfrac")
    shown = page.locator(".turn.user .formatted").inner_text()
    assert "<script>document.title = 'owned'</script>" in shown and "U+202E" in shown
    assert page.text_content(".turn.user strong") == "bold"
    assert page.query_selector(".sample script, .sample a, .sample img") is None
    assert "owned" not in page.title()
    press(page, "f")
    page.wait_for_selector(".turn.user .raw")
    assert "**bold** $\\frac{1}{0}$" in page.inner_text(".turn.user .raw")


def test_token_losses_lie_over_the_response(special: Server, page):
    open_browse(page, special)
    press(page, "t")
    page.wait_for_selector(".heat-text .tok")
    pieces = page.locator(".heat-text .tok")
    assert pieces.all_text_contents() == ["Plain", " words", " first", "One", " two", " three", " four"]
    kinds = [pieces.nth(n).get_attribute("class").split()[1] for n in range(7)]
    assert kinds == ["prompt"] * 3 + ["gain"] * 4
    assert "token 4 of 7" in page.inner_text(".values")
    assert "base 2.400" in page.inner_text(".values")
    press(page, "ArrowRight")
    assert "token 5 of 7" in page.inner_text(".values")
    page.click(".modes button:has-text('Reference')")
    assert pieces.nth(3).get_attribute("class").startswith("tok loss")
    # The next sample brings its own tokens; a worse reference is dotted orange.
    press(page, *["ArrowDown"] * 4)
    page.click(".modes button:has-text('Difference')")
    page.wait_for_function("() => deep('.heat-text .tok.worse')")
    press(page, "t")
    page.wait_for_selector(".turn.assistant")


def test_tag_note_and_reason_by_keyboard(special: Server, page):
    open_browse(page, special)
    press(page, "g")
    page.wait_for_selector(".inline-form input:focus")
    page.keyboard.type("keep an eye")
    press(page, "Enter")
    press(page, "m")
    page.wait_for_selector(".inline-form textarea:focus")
    page.keyboard.type("kd u <b>")
    press(page, "Enter")
    press(page, "k", "r")
    page.wait_for_selector(".inline-form input:focus")
    page.keyboard.type("clear")
    press(page, "Enter")
    saved(page)

    def first_row():
        found = browse.read_page(special.project, browse.find(special.project, BrowseFilter()))[0].stored
        release(special.project.store_path)
        return found

    row = eventually(first_row, lambda found: found.reason != "")
    assert (row.tags, row.note, row.verdict, row.reason) == (("keep an eye",), "kd u <b>", "keep", "clear")
    # The reason was for the decision just made; then the list is where it went on to.
    assert page.get_attribute(".item.current", "data-place") == "1"
    press(page, "ArrowUp")
    assert "“clear”" in page.inner_text(".tags")
    assert f"History · 4 · last change by {author_name()}" in page.inner_text(".history summary")
    page.click(".history summary")
    lines = page.locator(".history li").all_inner_texts()
    assert [words in line for words, line in zip(("kept: clear", "kept", "note: kd u <b>", "tagged keep an eye"), lines,
                                                 strict=True)] == [True] * 4  # fmt: skip
