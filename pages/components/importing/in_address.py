"""The settings of an import in the address, named like the options of `lobass import`.

    /import?path=data/alpaca.json&format=alpaca&domain=math
    /import?path=org/name&revision=4f2c1d            # a dataset of the Hub is fetched by a click, never by a link
    /import?path=ratings.csv&scores=quality&key=row  # as `lobass import-scores`

An upload lies in the browser alone, so no address can name it.
"""

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from pages.components import address, server_paths
from pages.components.address import Query
from pages.components.importing import draft, hub, score_draft

TEXTS = {
    "encoding": draft.ENCODING, "name": draft.NAME, "list": draft.ROW_LIST, "split": draft.SPLIT,
    "config": draft.CONFIG, "exclude": draft.EXCLUDE, "domain": draft.DOMAIN, "format": draft.FORMAT,
}  # fmt: skip
USUAL = {"encoding": "auto", "format": "auto"}
# By the first of a pair: what of the data a word stands for.
PAIRS = {"map": draft.mapping_key, "role": draft.role_key}
RULE = "domain-rule"
SCORES = "scores"
SCORE_TEXTS = {"column": score_draft.COLUMN, "dataset": score_draft.DATASET, "unit": score_draft.UNIT}
_KEYS = {"sample-id": score_draft.BY_SAMPLE, "row": score_draft.BY_ROW}
SCORE_NAMES = (SCORES, "key", "higher-is", *SCORE_TEXTS)
NAMES = (
    *SCORE_NAMES,
    "path",
    "revision",
    "whole",
    "update",
    "text-only",
    "skip-lines",
    "domain-column",
    RULE,
    *TEXTS,
    *PAIRS,
)


def follow(project: Project) -> None:
    """Take over what the address asks for, where somebody came by it."""
    asked = address.asked(NAMES)
    typed = address.one(asked, "path") if asked else ""
    if asked is None or not typed:
        return
    draft.forget_file()
    session = st.session_state
    session[draft.HOW], session[draft.PATH] = draft.SERVER, typed
    if hub.named(typed):
        session[draft.ASKED_REVISION] = address.one(asked, "revision")
        return
    for name, key in TEXTS.items():
        if text := address.one(asked, name):
            session[key] = text
    if column := address.one(asked, "domain-column"):
        session[draft.DOMAIN_HOW], session[draft.COLUMN] = draft.A_FIELD, column
    if rules := [rule for text in asked.get(RULE, ()) if all(rule := _rule_of(text))]:
        session[draft.DOMAIN_HOW], session[draft.RULES_KEPT] = draft.SOME_RULES, tuple(rules)
    if address.one(asked, "whole", ("yes",)):
        _take_whole(project, typed)
    if target := address.one(asked, "update"):
        session[draft.TARGET] = target
    if name := address.one(asked, SCORES):
        _take_scores(asked, name)
    session[draft.TEXT_ONLY] = bool(address.one(asked, "text-only", ("yes",)))
    session[draft.SKIP_LINES] = address.read(asked, "skip-lines", int, 0)
    _take_pairs(asked)


def _take_scores(asked: Query, name: str) -> None:
    session = st.session_state
    session[draft.TARGET], session[score_draft.NAME] = draft.SCORES, name
    for parameter, key in SCORE_TEXTS.items():
        if text := address.one(asked, parameter):
            session[key] = text
    if key := address.one(asked, "key"):
        session[score_draft.KEY] = _KEYS.get(key, score_draft.BY_COLUMN)
        if key not in _KEYS:
            session[score_draft.KEY_COLUMN] = key
    if higher := address.one(asked, "higher-is", (score_draft.BETTER, score_draft.WORSE)):
        session[score_draft.HIGHER] = higher


def _scores() -> dict[str, str | list[str]]:
    """The import of scores that is set up; whether it replaces another is in no link."""
    session = st.session_state
    how, key_column = session.get(score_draft.KEY), session.get(score_draft.KEY_COLUMN)
    words = {
        SCORES: (session.get(score_draft.NAME) or "").strip(),
        "key": next((word for word, label in _KEYS.items() if label == how), key_column),
        "higher-is": score_draft.WORSE if session.get(score_draft.HIGHER) == score_draft.WORSE else "",
        **{parameter: session.get(key) for parameter, key in SCORE_TEXTS.items()},
    }
    return {name: str(word) for name, word in words.items() if word and word != score_draft.ALL_DATASETS}


def _rule_of(text: str) -> tuple[str, str, str]:
    """(column, value, domain) of `column=value:domain`, as `lobass import` takes it; a value may hold colons."""
    column, _, rest = text.partition("=")
    value, _, domain = rest.rpartition(":")
    return column, value, domain


def _take_whole(project: Project, typed: str) -> None:
    try:
        st.session_state[draft.WHOLE] = str(server_paths.checked(typed, project))
    except LobassError:
        # The page says why beside the path.
        return


def _take_pairs(asked: Query) -> None:
    for name, key_of in PAIRS.items():
        for text in asked.get(name, ()):
            left, _, right = text.partition("=")
            if left and right:
                st.session_state[key_of(left)] = right
    st.session_state[draft.SPEAKERS] = [text.partition("=")[0] for text in asked.get("role", ())]


def write(fields: tuple[str, ...]) -> None:
    """Make the address that of the import that is set up; nothing for an upload and before a file is chosen."""
    session = st.session_state
    typed = (session.get(draft.PATH) or "").strip()
    if session.get(draft.HOW) == draft.SENT or not typed:
        address.write({}, NAMES)
        return
    query: dict[str, str | list[str]] = {"path": typed}
    if session.get(draft.TARGET) == draft.SCORES:
        address.write(query | _scores(), NAMES)
        return
    if session.get(draft.HUB) == typed and session.get(draft.REVISION):
        query["revision"] = session[draft.REVISION]
    for name, key in TEXTS.items():
        text = str(session.get(key) or "").strip()
        if text and text != USUAL.get(name):
            query[name] = text
    if session.get(draft.DOMAIN_HOW) == draft.A_FIELD and session.get(draft.COLUMN):
        query["domain-column"] = session[draft.COLUMN]
    if session.get(draft.DOMAIN_HOW) == draft.SOME_RULES:
        query[RULE] = [f"{column}={value}:{domain}" for column, value, domain in draft.chosen_rules()]
    for name, key in (("whole", draft.WHOLE), ("text-only", draft.TEXT_ONLY)):
        query |= {name: "yes"} if session.get(key) else {}
    if n_lines := session.get(draft.SKIP_LINES):
        query["skip-lines"] = str(int(n_lines))
    if (target := session.get(draft.TARGET)) and target != draft.NEW:
        query["update"] = target
    query["map"] = [f"{field}={column}" for field, column in draft.chosen_mapping(fields)]
    query["role"] = [f"{speaker}={role}" for speaker, role in draft.chosen_roles()]
    address.write(query, NAMES)
