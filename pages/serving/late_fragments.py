"""A page that has been left may still have something to say; it must not blank or undo the page that follows.

A component that sends its state just after a click in the navigation names the page that the browser still shows. If
the new page is being drawn, Streamlit runs that fragment after it, under the old page's name, and the browser removes
all elements of the page it shows. If the click still waits, Streamlit makes one run of the two, of the old page. Here
the state is taken over as it was sent, under the name of the page that the session is on or goes to, and the fragments
of a page are forgotten as soon as another one begins: Streamlit keeps them until that one is drawn to its end.
"""

from dataclasses import replace
from functools import wraps

from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType


def on_current_page(asked: RerunData, pages: PagesManager) -> RerunData:
    """A run of fragments under the name of the page that the session is on; any other run as it is asked for."""
    current = pages.current_page_script_hash
    if not asked.fragment_id_queue or not current or asked.page_script_hash == current:
        return asked
    return replace(asked, page_script_hash=current, page_name="")


def on_coming_page(asked: RerunData, waiting: RerunData) -> RerunData:
    """A run of a fragment under the name of the other page whose whole run waits already."""
    of_fragments = asked.fragment_id or asked.fragment_id_queue
    if not of_fragments or waiting.fragment_id_queue or waiting.page_script_hash in ("", asked.page_script_hash):
        return asked
    return replace(
        asked,
        page_script_hash=waiting.page_script_hash,
        page_name=waiting.page_name,
        query_string=waiting.query_string,
    )


def adopt() -> None:
    """Let every run of this process go by that."""
    run, fold = ScriptRunner._run_script, ScriptRequests._request_rerun_locked

    @wraps(run)
    def run_on_current_page(self: ScriptRunner, rerun_data: RerunData) -> None:
        if (
            not rerun_data.fragment_id_queue
            and rerun_data.page_script_hash != self._pages_manager.current_page_script_hash
        ):
            self._fragment_storage.clear()
        run(self, on_current_page(rerun_data, self._pages_manager))

    @wraps(fold)
    def fold_into_coming_page(self: ScriptRequests, new_data: RerunData) -> bool:
        waits = self._state == ScriptRequestType.RERUN
        return fold(self, on_coming_page(new_data, self._rerun_data) if waits else new_data)

    ScriptRunner._run_script = run_on_current_page  # type: ignore[method-assign]
    ScriptRequests._request_rerun_locked = fold_into_coming_page  # type: ignore[method-assign]
