"""A primary button for work that takes a while: it shows that the work has begun, and ignores a second click.

    busy.primary("Score", ":material/play_arrow:", key="score.start", doing="Starting…", work=start, then=show_run)

The click is noted before the page is drawn, so the button comes back disabled while the work is done in the same run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from lobass_core.errors import LobassError
from pages.components import errors, toolbar

JOB, FAILED = ".job", ".failed"
T = TypeVar("T")


@dataclass(slots=True)
class _Job:
    """One click: a run of the page that was cut short must not do the work again."""

    begun: bool = False
    result: object = None
    error: LobassError | None = None


def primary(
    label: str, icon: str, *, key: str, doing: str, work: Callable[[], T], then: Callable[[T], None],
    disabled: bool = False,
) -> None:  # fmt: skip
    """Draw the button; after a click do the `work`, hand its result to `then` and draw the page anew.

    A LobassError of the work is kept for `show_error`.
    """
    job: _Job | None = st.session_state.get(key + JOB)

    def note() -> None:
        st.session_state.setdefault(key + JOB, _Job())
        st.session_state.pop(key + FAILED, None)

    toolbar.primary(doing if job else label, icon, key=key, disabled=disabled or job is not None, on_click=note)
    if job is None:
        return
    if not job.begun:
        job.begun = True
        with st.spinner(doing):
            try:
                job.result = work()
            except LobassError as error:
                job.error = error
    st.session_state.pop(key + JOB, None)
    if job.error:
        st.session_state[key + FAILED] = job.error
    else:
        then(job.result)  # type: ignore[arg-type]
    st.rerun()


def show_error(key: str) -> None:
    """Why the work of the last click failed, until the next click."""
    if error := st.session_state.get(key + FAILED):
        errors.show(error, key=f"{key}-failed")
