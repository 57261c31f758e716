"""What a message says is done once, whatever comes while it is."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from streamlit import config
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.pages_manager import PagesManager
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
        (AppSession, "request_rerun"),
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


@pytest.mark.parametrize(
    ("page", "fragment", "stops"),
    [("select", "", True), ("browse", "", False), ("", "", False), ("select", "list", False)],
)
def test_only_a_click_to_another_page_leaves_a_run_behind(
    monkeypatch: pytest.MonkeyPatch, page: str, fragment: str, stops: bool
):
    monkeypatch.setattr(config, "_config_options", None)
    assert config.get_option("runner.fastReruns") is False
    stopped, asked = [], []
    monkeypatch.setattr(AppSession, "request_rerun", lambda self, state: asked.append(self._scriptrunner))
    interrupted_runs.adopt()
    runner = SimpleNamespace(request_stop=lambda: stopped.append(True))
    session = SimpleNamespace(_scriptrunner=runner, _pages_manager=SimpleNamespace(current_page_script_hash="browse"))
    AppSession.request_rerun(session, ClientState(page_script_hash=page, fragment_id=fragment))  # type: ignore[arg-type]
    assert (stopped, asked) == (([True], [None]) if stops else ([], [runner]))


def test_two_threads_of_a_session_take_over_one_after_the_other(monkeypatch: pytest.MonkeyPatch):
    """The thread of the page that was left may still run its callbacks."""
    begun, go_on, order = threading.Event(), threading.Event(), []

    def take_over(self: SafeSessionState, name: str) -> None:
        order.append(f"{name} begins")
        if name == "first":
            begun.set()
            assert go_on.wait(10)
        order.append(f"{name} ends")

    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", take_over)
    monkeypatch.setattr(ScriptRunner, "_maybe_handle_execution_control_request", lambda self: None)
    interrupted_runs.adopt()
    pages = PagesManager("app.py")

    class Runner:
        _pages_manager = pages

        def look(self) -> None: ...

    def start(name: str) -> threading.Thread:
        state = SafeSessionState(None, Runner().look)  # type: ignore[arg-type]
        thread = threading.Thread(target=state.on_script_will_rerun, args=(name,))
        thread.start()
        return thread

    first = start("first")
    assert begun.wait(10)
    second = start("second")
    second.join(0.1)
    go_on.set()
    for thread in (first, second):
        thread.join(10)
    assert order == ["first begins", "first ends", "second begins", "second ends"]
