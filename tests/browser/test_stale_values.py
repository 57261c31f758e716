"""What a browser repeats because it has not heard the last answer yet takes nothing back."""

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from lobass_core.errors import LobassError
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import select as selections
from tests.browser.conftest import READY, Server
from tests.browser.line import Line, overhear

EXACT = READY["select"]
NAME = "paper-20"


@pytest.fixture
def name(server: Server) -> Iterator[str]:
    """A name for a selection, which is gone afterwards."""
    yield NAME
    with suppress(LobassError):
        selections.delete(server.project, NAME)


def open_select(page, server: Server) -> None:
    page.goto(server.url("select"))
    page.wait_for_selector(EXACT)


def choose_equal(page) -> None:
    page.get_by_text("Equal", exact=True).click()
    page.wait_for_url("**balance=equal*")
    page.wait_for_selector(EXACT)


def save_as(page, name: str) -> None:
    page.get_by_role("button", name="Save as").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.keyboard.press("Enter")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Save").click()


def working_selection(page) -> str:
    return page.get_by_role("combobox", name="Working selection").input_value()


def test_a_selection_stays_open_while_its_saving_is_being_told(server: Server, page, name: str):
    line = Line(page)
    open_select(page, server)
    choose_equal(page)
    save_as(page, name)
    line.is_held = True
    while not any(one.name == name for one in selections.list_selections(server.project)):
        # Not a sleep: the page's messages pass through this process.
        page.wait_for_timeout(50)
    # With this the browser sends all that it shows: no selection is open there yet, and the name is still asked for.
    page.locator("[data-slider=ratio]").press("ArrowRight")
    page.wait_for_timeout(1_000)
    line.let_go()
    page.wait_for_url(re.compile(f"ratio=0.061&balance=equal&selection={name}"))
    page.wait_for_selector(EXACT)
    assert working_selection(page) == f"{name} · changed"


def test_a_selection_that_is_being_opened_keeps_its_balance(server: Server, page, name: str):
    line = Line(page)
    selections.save(server.project, name, SelectionSpec(balance="equal"))
    open_select(page, server)
    line.is_held = True
    page.get_by_role("combobox", name="Working selection").click()
    page.get_by_role("option", name=name).click()
    page.locator("[data-preset='0.167']").click()
    page.wait_for_timeout(1_000)
    line.let_go()
    page.wait_for_url(re.compile(f"ratio=0.167&balance=equal&selection={name}"))
    page.wait_for_selector(EXACT)
    assert page.get_by_role("radio", name="Equal").is_checked()


def test_a_page_that_was_left_takes_nothing_back(server: Server, page, name: str):
    of_fragments: list[BackMsg] = []
    senders = []

    def heard(asked: BackMsg, send) -> None:
        senders.append(send)
        if asked.rerun_script.fragment_id:
            of_fragments.append(asked)

    overhear(page, heard)
    open_select(page, server)
    choose_equal(page)
    save_as(page, name)
    page.wait_for_url(f"**selection={name}*")
    page.get_by_role("link", name="Compare").click()
    page.get_by_text("Fewer than two selections").wait_for()
    address = page.url
    # All that Select showed before the saving was told, and no word of what a hand has changed.
    late = of_fragments[-1]
    said = [state for state in late.rerun_script.widget_states.widgets if state.WhichOneof("value") != "trigger_value"]
    del late.rerun_script.widget_states.widgets[:]
    late.rerun_script.widget_states.widgets.extend(said)
    senders[-1](late.SerializeToString())
    page.wait_for_timeout(1_000)
    assert page.url == address
    page.get_by_role("link", name="Select", exact=True).click()
    page.wait_for_url(re.compile(f"balance=equal&selection={name}"))
    assert working_selection(page) == name
