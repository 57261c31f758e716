"""Errors a person can act on: what happened, where, and what to do next.

    with errors.shown():            # around work that a click started: the rest of the page stays
        workflow.save(...)

The router has the same guard around every page. Anything but a `LobassError` is a fault of ours and goes through.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import streamlit as st

from lobass_core.errors import LobassError, StoreLockedError

SAID = "errors.said"
# Where a page has what an error calls by its option.
ON_PAGE = {
    "--map": "Columns",
    "--skip-lines": "Lines to skip",
    "--list": "List of rows",
    "--exclude": "Files to skip",
    "--config": "Config",
    "--domain": "Domain",
    "--column": "Value column",
    "--dataset": "Dataset",
    "--template": "Template",
    "--target": "Target",
    "--folds": "Folds",
    "--epochs": "Epochs",
    "--lr": "Peak learning rate",
    "--draws": "Random draws",
    "--validation": "Validation rows",
    "--weight": "Score as a weight",
    "--order": "Best score first",
    "--planted-swaps": "Self-test",
}
# A project in use elsewhere is asked for again this often.
RETRY_SECONDS = 4.0


@contextmanager
def shown(*, key: str = "error", comes_back: bool = False) -> Iterator[None]:
    """Draw a `LobassError` raised inside in place of a result, and go on after the block."""
    try:
        yield
    except LobassError as error:
        show(error, key=key, comes_back=comes_back)


def show(error: LobassError, *, key: str = "error", comes_back: bool = False) -> None:
    """Draw one error; a project in use elsewhere offers to try again.

    With `comes_back` the page tries by itself until it can be drawn: for an error that stands in place of the page.
    """
    if isinstance(error, StoreLockedError):
        _store_in_use(error, key, comes_back)
        return
    st.error(_body(error), title=plain(_sentence(error.what)), icon=":material/error:")


def _store_in_use(error: StoreLockedError, key: str, comes_back: bool) -> None:
    note = "\n\nThis page reloads by itself when the project is free." if comes_back else ""
    st.warning(_body(error) + note, title="The project is in use elsewhere", icon=":material/lock_clock:")
    st.button("Try again", icon=":material/refresh:", key=f"{key}-retry", type="primary")
    if comes_back:
        _come_back()


def _come_back() -> None:
    drawn: list[bool] = []

    @st.fragment(run_every=RETRY_SECONDS)
    def tick() -> None:
        # The first time is the page's own run; it ends with the run that draws the page.
        if drawn:
            st.rerun()
        drawn.append(True)

    tick()


def _body(error: LobassError) -> str:
    lines = [plain(_sentence(error.do)), *_on_page(error.do)] if error.do else []
    if isinstance(error, StoreLockedError):
        lines.insert(0, plain(_sentence(error.what)))
    if error.where:
        lines.append(_code(error.where))
    return "\n\n".join(lines)


def _on_page(do: str) -> list[str]:
    """The names that options of a command have on the pages."""
    named = [f"`{option}` is **{name}**" for option, name in ON_PAGE.items() if re.search(rf"{option}(?![\w-])", do)]
    return [f"On this page, {', '.join(named)}."] if named else []


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
