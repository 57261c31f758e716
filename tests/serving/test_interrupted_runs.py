"""What a message says is done once, whatever comes while it is."""

from collections.abc import Iterator

import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.state import SafeSessionState
from streamlit.testing.v1 import AppTest

from pages.serving import interrupted_runs


@pytest.fixture(autouse=True)
def adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set to what they are, so that they are that again after the test.
    for owner, name in (
        (SafeSessionState, "on_script_will_rerun"),
        (ScriptRunner, "_maybe_handle_execution_control_request"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    interrupted_runs.adopt()


def script() -> None:
    """A search and a button; a newer message comes in the middle of the run that the test names in `at`."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    def newer(at: str) -> None:
        if st.session_state.get("at") == at:
            st.session_state["at"] = ""
            context = get_script_run_ctx()
            context.script_requests.request_rerun(RerunData(page_script_hash=context.page_script_hash))

    def search() -> None:
        newer("callback")
        st.session_state["asked"] = st.session_state["search"]

    st.text_input("Search", key="search", on_change=search)
    newer("body")
    st.write(f"runs: {st.session_state.setdefault('runs', 0)}")
    if st.button("Save", key="save"):
        st.session_state["saved"] = st.session_state.get("saved", 0) + 1
        newer("saving")
        st.write("saved")
    st.session_state["runs"] += 1


@pytest.fixture
def app() -> Iterator[AppTest]:
    yield AppTest.from_function(script).run()


def test_a_callback_runs_to_its_end(app: AppTest):
    app.session_state["at"] = "callback"
    app.text_input(key="search").input("math").run()
    assert app.session_state["asked"] == "math"
    assert app.session_state["at"] == ""


def test_a_click_is_done_by_the_run_that_interrupts_it(app: AppTest):
    app.session_state["at"] = "body"
    app.button(key="save").click().run()
    assert (app.session_state["at"], app.session_state["saved"], app.session_state["runs"]) == ("", 1, 2)
    app.run()
    assert app.session_state["saved"] == 1


def test_a_click_that_was_seen_is_not_done_again(app: AppTest):
    app.session_state["at"] = "saving"
    app.button(key="save").click().run()
    assert (app.session_state["at"], app.session_state["saved"], app.session_state["runs"]) == ("", 1, 2)
