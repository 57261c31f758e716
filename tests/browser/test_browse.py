"""Browse in a real browser: move, mark, undo, turn pages, read token losses; nothing is lost and nothing is run."""

from collections.abc import Iterator

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import browse, decide
from lobass_core.workflows.author import author_name
from lobass_core.workflows.browse_filter import BrowseFilter
from tests.browser.conftest import Server, start_server, stop_server
from tests.eventually import eventually
from tests.filled_project import Row, fill
from tests.filters import ranged
from tests.pages.projects import HOSTILE

CODE = "Before\n```python\nprint('<b>1</b>')\n```\n<think>hm, 2</think>\nAfter"
TRUNCATED = "First two words are read, these are not"
N_FAST = 20
ARABIC = "مرحبا بالعالم"


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


def test_a_filter_is_saved_and_opened_by_keyboard(special: Server, page):
    open_browse(page, special, "domain=chat")
    before = len(wait_for_log(special.project, 0))
    # Typed at once: nothing of it may decide on a sample while the dialog opens.
    press(page, "s", "k", "d", "k")
    page.wait_for_function("() => document.activeElement.matches('[role=dialog] input')")
    page.keyboard.type("talk")
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
