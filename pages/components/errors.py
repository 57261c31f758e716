"""Errors a person can act on: what happened, where, and what to do next.

    with errors.shown():            # around work that a click started: the rest of the page stays
        workflow.save(...)

The router has the same guard around every page. Anything but a `LobassError` is a fault of ours and goes through.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import streamlit as st

from lobass_core.errors import LobassError, StoreLockedError

SAID = "errors.said"


@contextmanager
def shown() -> Iterator[None]:
    """Draw a `LobassError` raised inside in place of a result, and go on after the block."""
    try:
        yield
    except LobassError as error:
        show(error)


def show(error: LobassError, *, key: str = "error") -> None:
    """Draw one error; a project in use elsewhere waits and offers to try again."""
    if isinstance(error, StoreLockedError):
        _store_in_use(error, key)
        return
    st.error(_body(error), title=plain(_sentence(error.what)), icon=":material/error:")


def _store_in_use(error: StoreLockedError, key: str) -> None:
    st.warning(
        _body(error) or "Try again when the other process is done.",
        title="The project is in use elsewhere",
        icon=":material/lock_clock:",
    )
    st.button("Try again", icon=":material/refresh:", key=f"{key}-retry", type="primary")


def _body(error: LobassError) -> str:
    lines = [plain(_sentence(error.do))] if error.do else []
    if isinstance(error, StoreLockedError):
        lines.insert(0, plain(_sentence(error.what)))
    if error.where:
        lines.append(_code(error.where))
    return "\n\n".join(lines)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""


def plain(text: str) -> str:
    """Markdown that shows the text as it is: messages quote file names and user data."""
    return "".join(f"\\{mark}" if mark in r"\`*_{}[]()#+-.!|<>$~:" else mark for mark in text)


def _code(text: str) -> str:
    """Inline code with a fence longer than any run of backticks in the text."""
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in text).split()), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"


def say_once(sentences: Iterable[str]) -> None:
    """Show each sentence once a session."""
    said: set[str] = st.session_state.setdefault(SAID, set())
    for sentence in sentences:
        if sentence not in said:
            said.add(sentence)
            st.toast(plain(sentence))
