"""A browser that has not heard the last answer yet must not take back what the answer says.

With each message a browser sends what all widgets show. A widget to which a page gave a value a moment ago, or whose
page was left a moment ago, still shows the value before: Streamlit takes that for a change and runs the callback, which
opens another selection or turns a balance back. `mended_scripts` therefore has the browser mark what a hand has
changed. Here a value without a mark is left out if it only repeats what the browser showed before:

- the page has given the widget another value, which the browser has not shown yet: the page's value stands, and is told
  again by the run that follows, as what was told may have been dropped with a run that was interrupted;
- the page of the widget was left, and its value with it. What only a hand sets is taken over all the same: the message
  that had the mark may have been lost with the run of that page.
"""

from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import _has_active_trigger_value
from streamlit.runtime.state import SafeSessionState
from streamlit.runtime.state.common import RegisterWidgetResult, WidgetMetadata, unpack_widget_state_value
from streamlit.runtime.state.session_state import SessionState

# Begins the id of a mark: a trigger, which Streamlit keeps when it makes one message of two.
MARK = "by-hand:"


@dataclass(slots=True)
class Untold:
    """The widgets of a session to which a page gave a value that the browser may not show yet."""

    given: set[str] = field(default_factory=set)
    # All to which a page ever gave one.
    ever: set[str] = field(default_factory=set)
    # Those that the browser has shown with another value since.
    again: set[str] = field(default_factory=set)

    def forget(self, widgets: set[str]) -> None:
        self.given -= widgets
        self.again -= widgets


# One for each session: what its threads share is its pages.
_untold: WeakKeyDictionary[PagesManager, Untold] = WeakKeyDictionary()


def untold_by(safe: SafeSessionState) -> Untold:
    """What the session may not have been told."""
    runner: ScriptRunner = safe._yield_callback.__self__  # type: ignore[attr-defined]
    return _untold.setdefault(runner._pages_manager, Untold())


def said(fresh: WidgetStates, state: SessionState, untold: Untold) -> WidgetStates:
    """What a message says: all but the marks and what the browser only repeats."""
    marked = {widget.id.removeprefix(MARK) for widget in fresh.widgets if widget.id.startswith(MARK)}
    keyed = (state.get_widget_id_from_key(key) for key in state._new_session_state)
    given = {widget for widget in keyed if widget is not None}
    untold.given |= given
    untold.ever |= given
    untold.forget(marked)
    new = [
        widget
        for widget in fresh.widgets
        if not widget.id.startswith(MARK)
        and (widget.id in marked or _has_active_trigger_value(widget) or not is_repeated(widget, state, untold))
    ]
    return WidgetStates(widgets=new)


def is_repeated(widget: WidgetState, state: SessionState, untold: Untold) -> bool:
    """Whether a value that no hand has changed is that of a page that was left, or older than what the page gave."""
    metadata = state.get_widget_metadata(widget.id)
    if metadata is None:
        return False
    if widget.id not in state._old_state and widget.id not in state._new_widget_state:
        return widget.id in untold.ever
    if widget.id not in untold.given:
        return False
    if metadata.deserializer(unpack_widget_state_value(widget)) == state.get_widget_value(widget.id):
        untold.forget({widget.id})
        return False
    untold.again.add(widget.id)
    return True


def adopt() -> None:
    """Let every message and widget of this process go by that. Before `interrupted_runs`, whose turns are around it."""
    take_over, register = SafeSessionState.on_script_will_rerun, SafeSessionState.register_widget

    @wraps(take_over)
    def take_over_what_is_said(self: SafeSessionState, fresh: WidgetStates | None, **others: Any) -> None:
        if fresh is not None:
            with self._lock:
                fresh = said(fresh, self._state, untold_by(self))
        take_over(self, fresh, **others)

    @wraps(register)
    def register_again(self: SafeSessionState, metadata: WidgetMetadata, user_key: str | None) -> RegisterWidgetResult:
        result = register(self, metadata, user_key)
        untold = untold_by(self)
        if metadata.id not in untold.again:
            return result
        untold.again.discard(metadata.id)
        return replace(result, value_changed=True)

    SafeSessionState.on_script_will_rerun = take_over_what_is_said  # type: ignore[assignment, method-assign]
    SafeSessionState.register_widget = register_again  # type: ignore[assignment, method-assign]
