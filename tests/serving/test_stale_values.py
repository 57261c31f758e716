"""What a browser repeats is not taken for a change; what a hand has changed is."""

from collections.abc import Iterator

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.state import SafeSessionState
from streamlit.testing.v1 import AppTest

from pages.serving import stale_values
from pages.serving.stale_values import MARK


@pytest.fixture(autouse=True)
def adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set to what they are, so that they are that again after the test.
    for name in ("on_script_will_rerun", "register_widget"):
        monkeypatch.setattr(SafeSessionState, name, getattr(SafeSessionState, name))
    # AppTest makes new pages for each run.
    one = stale_values.Untold()
    monkeypatch.setattr(stale_values, "untold_by", lambda _: one)
    stale_values.adopt()


def script() -> None:
    """A choice, a button that sets it, and a field that can be gone."""
    import streamlit as st

    def count(what: str) -> None:
        st.session_state[what] = st.session_state.get(what, 0) + 1

    st.button("Open", key="open", on_click=lambda: st.session_state.update(choice="equal"))
    st.radio("Choice", ["natural", "equal"], key="choice", on_change=count, args=("choices",))
    if not st.session_state.get("is_left"):
        st.text_input("Search", key="search", on_change=count, args=("searches",))
        st.session_state.setdefault("name", "mine")
        st.text_input("Name", key="name", on_change=count, args=("names",))


@pytest.fixture
def app() -> Iterator[AppTest]:
    yield AppTest.from_function(script).run()


def send(app: AppTest, *by_hand: str) -> None:
    """Send what the widgets show, with marks for the keys that a hand has changed."""
    states = app._tree.get_widget_states()
    marks = [WidgetState(id=MARK + app_widget(app, key), trigger_value=True) for key in by_hand]
    app._run(WidgetStates(widgets=[*states.widgets, *marks]))


def app_widget(app: AppTest, key: str) -> str:
    return next(state.id for state in app._tree.get_widget_states().widgets if state.id.endswith(f"-{key}"))


def test_a_value_that_a_page_has_given_stands_and_is_told_again(app: AppTest):
    app.button(key="open").click().run()
    app.radio(key="choice").set_value("natural")
    send(app)
    assert (app.session_state["choice"], "choices" in app.session_state) == ("equal", False)
    assert app.radio(key="choice").proto.set_value
    send(app)
    assert not app.radio(key="choice").proto.set_value


def test_a_hand_is_followed_whatever_the_page_has_given(app: AppTest):
    app.button(key="open").click().run()
    app.radio(key="choice").set_value("natural")
    send(app, "choice")
    assert (app.session_state["choice"], app.session_state["choices"]) == ("natural", 1)
    assert not app.radio(key="choice").proto.set_value


def test_once_the_browser_has_shown_the_value_it_stands_no_longer(app: AppTest):
    app.button(key="open").click().run()
    send(app)
    app.radio(key="choice").set_value("natural")
    send(app)
    assert (app.session_state["choice"], app.session_state["choices"]) == ("natural", 1)


@pytest.mark.parametrize(("by_hand", "n_names"), [((), 0), (("name",), 1)])
def test_what_was_left_repeats_nothing_that_its_page_gave(app: AppTest, by_hand: tuple[str, ...], n_names: int):
    app.text_input(key="search").input("math")
    send(app, "search")
    shown = app._tree.get_widget_states()
    marks = [WidgetState(id=MARK + app_widget(app, key), trigger_value=True) for key in by_hand]
    app.session_state["is_left"] = True
    app.run()
    app._run(WidgetStates(widgets=[*shown.widgets, *marks]))
    # A search is set by hands alone: that it is unmarked may mean that the message with its mark was lost.
    assert (app.session_state["searches"], "names" in app.session_state) == (2, bool(n_names))


def test_one_message_of_two_has_the_marks_of_both():
    requests = ScriptRequests()
    for name in ("ratio", "balance"):
        mark = WidgetState(id=MARK + name, trigger_value=True)
        requests.request_rerun(RerunData(widget_states=WidgetStates(widgets=[mark]), fragment_id="page"))
    run = requests.on_scriptrunner_ready().rerun_data
    assert {widget.id for widget in run.widget_states.widgets} == {MARK + "ratio", MARK + "balance"}
