"""What decides the numbers of a page, in its address, so that a reload or a copied link shows the same numbers.

    asked = address.asked(("ratio", "method"))            # None: the session's own values stand
    address.write({"ratio": "0.06"}, ("ratio", "method"))  # the rest of the names is left out

The session holds the values, and the address follows them. The address leads only where it is how somebody came to the
page: a new tab, a reload, Back and Forward, or another page that passed parameters. An interaction on the page itself
can carry an address that is one step behind, so it never leads then. Our own parameters are not bound to widgets
(`bind="query-params"`): a bound one cannot be written together with the others, and a change of page clears it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

PAGE, NEWS, BACK, TROUBLE = "address.page", "address.news", "address.back", "address.trouble"
# What all pages share: the scoring run and the datasets of the sidebar.
SHARED = ("run", "datasets")

Query = dict[str, list[str]]
T = TypeVar("T")
U = TypeVar("U")


def begin(page: str) -> None:
    """Note whether this run came to `page` by its address; the router calls it before anything is drawn."""
    context = get_script_run_ctx()
    back = bool(context and context.is_history_navigation)
    if back or st.session_state.get(PAGE) != page:
        st.session_state[PAGE] = page
        # Kept until it is asked for: a run that is cut short must not lose it.
        st.session_state[NEWS] = {"shared", "page"}
        st.session_state[BACK] = back
        st.session_state.pop(TROUBLE, None)


def shared() -> Query:
    """The shared parameters to take over now. A link may leave them as they are, Back restores them."""
    if not _is_news("shared"):
        return {}
    query = _named(SHARED)
    if is_back() and len(st.query_params):
        return {name: query.get(name, []) for name in SHARED}
    return query


def asked(names: Iterable[str]) -> Query | None:
    """The page's parameters to take over now, those that the address names; None where the session's values stand.

    An address that names none of them is that of the page's link in the navigation, and asks for nothing.
    """
    return (_named(names) or None) if leads() else None


def leads() -> bool:
    """Whether the page is to take over its address now; once for each time that somebody came by it."""
    return _is_news("page")


def is_back() -> bool:
    """Whether Back or Forward led to this address."""
    return bool(st.session_state.get(BACK))


def _is_news(kind: str) -> bool:
    news: set[str] = st.session_state.get(NEWS, set())
    st.session_state[NEWS] = news - {kind}
    return kind in news


def _named(names: Iterable[str]) -> Query:
    return {name: values for name in names if (values := st.query_params.get_all(name))}


def write(query: Mapping[str, str | Sequence[str]], names: Sequence[str] = ()) -> None:
    """Make these the page's parameters, of all its `names`, beside the shared ones: one step of the history."""
    wanted = _shared_query() | {
        name: [value] if isinstance(value, str) else list(value) for name, value in query.items()
    }
    everything = {name: wanted.get(name, []) for name in (*SHARED, *names)}
    if any(st.query_params.get_all(name) != values for name, values in everything.items()):
        st.query_params.update(everything)


def _shared_query() -> Query:
    run, datasets = (st.session_state.get(name) for name in SHARED)
    return {"run": [run] if run else [], "datasets": list(datasets or ())}


def say(sentence: str) -> None:
    """Note what of this address cannot be had; shown above the page until another address comes."""
    said: list[str] = st.session_state.setdefault(TROUBLE, [])
    if sentence not in said:
        said.append(sentence)


def trouble() -> tuple[str, ...]:
    """What `say` has noted."""
    return tuple(st.session_state.get(TROUBLE, ()))


def one(query: Query, name: str, known: Iterable[str] | None = None) -> str:
    """The last value of a parameter, "" without one; a value that is not among the `known` is said and left out."""
    value = query.get(name, [""])[-1] if query.get(name) else ""
    if value and known is not None and value not in known:
        say(f"Unknown value in the address, ignored: {name}={value}.")
        return ""
    return value


def several(query: Query, name: str, known: Iterable[str]) -> list[str]:
    """The values of a parameter that are known here, each once; the others are said."""
    allowed = list(known)
    values = list(dict.fromkeys(query.get(name, ())))
    for value in values:
        if value not in allowed:
            say(f"Unknown value in the address, ignored: {name}={value}.")
    return [value for value in values if value in allowed]


def read(query: Query, name: str, how: Callable[[str], T], otherwise: U) -> T | U:
    """A parameter's value read by `how`; `otherwise` without one, and where `how` raises ValueError, which is said."""
    text = one(query, name)
    if not text:
        return otherwise
    try:
        return how(text)
    except ValueError:
        say(f"Invalid value in the address, ignored: {name}={text}.")
        return otherwise
