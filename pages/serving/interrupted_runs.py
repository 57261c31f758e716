"""A message that interrupts the run of an earlier one must not undo what the earlier one said.

Streamlit looks for a newer message whenever a script reads its session or draws something, also while it takes over the
values that came and while callbacks run. A search whose callback is interrupted is never asked for: the next run finds
its text unchanged. A click is forgotten if its run is interrupted before the button is drawn.

Here values are taken over and callbacks run to their end before anything newer is looked at, one message of a session
after the other, and a click that no run has seen yet goes with the newer message. For that, messages of one page come
to one thread (`runner.fastReruns` is off). A message that leads to another page does not wait for the page it leaves.
"""

import threading
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    _coalesce_replay_trigger_states,
    _coalesce_widget_states,
    _has_active_trigger_value,
)
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.runtime.state import SafeSessionState

_taking_over: ContextVar[bool] = ContextVar("taking_over", default=False)
# One for each session: what its threads share is its pages.
_turns: WeakKeyDictionary[PagesManager, threading.RLock] = WeakKeyDictionary()
_first_turn = threading.Lock()


def unseen_clicks(context: ScriptRunContext) -> WidgetStates:
    """The clicks of this run on what it has not drawn yet."""
    # The state under the lock: reading the other one would look for a newer message again.
    given = context.session_state._state._new_widget_state
    seen = context.shared.widget_ids_this_run.snapshot()
    states = (given.get_serialized(widget) for widget in list(given.states) if widget not in seen)
    return WidgetStates(widgets=[state for state in states if state is not None and _has_active_trigger_value(state)])


def with_clicks(newer: RerunData, context: ScriptRunContext) -> RerunData:
    """The newer message with the unseen clicks; one that leads to another page leaves them behind."""
    if newer.page_script_hash not in ("", context.page_script_hash):
        return newer
    return replace(
        newer,
        replay_trigger_states=_coalesce_replay_trigger_states(unseen_clicks(context), newer.replay_trigger_states),
    )


def turn_of(runner: ScriptRunner) -> threading.RLock:
    """What a thread holds while it takes over a message of the session."""
    with _first_turn:
        return _turns.setdefault(runner._pages_manager, threading.RLock())


def leads_elsewhere(asked: ClientState | None, pages: PagesManager) -> bool:
    """Whether a message leaves the page that the session is on; a late fragment of the page before does not."""
    if asked is None or asked.fragment_id:
        return False
    return asked.page_script_hash not in ("", pages.current_page_script_hash)


def adopt() -> None:
    """Let every run of this process go by that."""
    take_over, look = SafeSessionState.on_script_will_rerun, ScriptRunner._maybe_handle_execution_control_request
    request = AppSession.request_rerun

    @wraps(request)
    def request_by_page(self: AppSession, client_state: ClientState | None) -> None:
        if self._scriptrunner is not None and leads_elsewhere(client_state, self._pages_manager):
            self._scriptrunner.request_stop()
            self._scriptrunner = None
        request(self, client_state)

    @wraps(take_over)
    def take_over_whole(self: SafeSessionState, fresh: WidgetStates | None, **others: Any) -> None:
        runner: ScriptRunner = self._yield_callback.__self__  # type: ignore[attr-defined]
        with turn_of(runner):
            try:
                look(runner)
            except RerunException as overtaken:
                newer = overtaken.rerun_data
                both = _coalesce_widget_states(fresh, newer.widget_states)
                raise RerunException(replace(newer, widget_states=both)) from None
            token = _taking_over.set(True)
            try:
                take_over(self, fresh, **others)
            finally:
                _taking_over.reset(token)

    @wraps(look)
    def look_between(self: ScriptRunner) -> None:
        if _taking_over.get():
            return
        try:
            look(self)
        except RerunException as interrupted:
            context = get_script_run_ctx()
            if context is None:
                raise
            raise RerunException(with_clicks(interrupted.rerun_data, context)) from None

    AppSession.request_rerun = request_by_page  # type: ignore[method-assign]
    SafeSessionState.on_script_will_rerun = take_over_whole  # type: ignore[assignment, method-assign]
    ScriptRunner._maybe_handle_execution_control_request = look_between  # type: ignore[method-assign]
