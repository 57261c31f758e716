"""The settings of an export in the address, named like the options of `lobass export`, and as chips.

    /export?selection=paper-6&format=trl&validation=0.05&order=rank

Leave to replace another export is not in it: a link must not carry a consent.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from lobass_core.store.scorings import Scoring
from lobass_core.store.selections import SavedSelection
from lobass_core.words.typed_shares import read_share_or_rows
from lobass_core.workflows.status import rule_in_words
from pages.components import address, chips, state, theme
from pages.components.chips import Chip
from pages.components.command_line import exact
from pages.components.exporting import draft

FLAGS = {
    "with-dropped": (draft.DROPPED, False), "weight": (draft.WEIGHT, False), "check": (draft.CHECK, True)
}  # fmt: skip
TEXTS = {"license": draft.LICENSE, "language": draft.LANGUAGES}
NUMBERS: dict[str, tuple[str, Callable[[str], float]]] = {
    "validation": (draft.VALIDATION, read_share_or_rows),
    "seed": (draft.SEED, int),
    "cutoff-tokens": (draft.CUTOFF, int),
}
MADE_OF = "The settings saved with the selection. The sidebar does not change an export."
NAMES = ("selection", "format", "to", "order", *FLAGS, *TEXTS, *NUMBERS)


def follow(selections: list[str]) -> None:
    """Take over what the address asks for, where somebody came by it."""
    asked = address.asked(NAMES)
    if asked is None:
        return
    selection = address.one(asked, "selection", selections)
    if selection:
        st.session_state[draft.SELECTION] = selection
    st.session_state[draft.FORMAT] = format = address.one(asked, "format", draft.FORMATS) or "trl"
    if selection and (folder := address.one(asked, "to")):
        st.session_state[draft.destination_key(selection, format)] = folder
    st.session_state[draft.RANKED] = address.one(asked, "order", ("file", "rank")) == "rank"
    for name, (key, usual) in FLAGS.items():
        said = address.one(asked, name, ("yes", "no"))
        st.session_state[key] = said == "yes" if said else usual
    for name, key in TEXTS.items():
        st.session_state[key] = address.one(asked, name)
    for name, (key, how) in NUMBERS.items():
        number = address.read(asked, name, how, None)
        # Written so that NaN is refused too.
        if number is not None and not number >= 0:
            address.say(f"Invalid value in the address, ignored: {name}={number} is below 0.")
            number = None
        st.session_state[key] = number


def write(selection: str) -> None:
    """Make the address that of the export that is set up."""
    session, format = st.session_state, draft.chosen_format()
    query = {"selection": selection, "format": format}
    folder = session.get(draft.destination_key(selection, format)) or ""
    if folder and folder != draft.default_folder(selection, format):
        query["to"] = folder
    if session.get(draft.RANKED):
        query["order"] = "rank"
    for name, (key, usual) in FLAGS.items():
        if (on := bool(session.get(key, usual))) != usual:
            query[name] = "yes" if on else "no"
    query |= {name: text for name, key in TEXTS.items() if (text := (session.get(key) or "").strip())}
    query |= {name: exact(number) for name, (key, _) in NUMBERS.items() if (number := session.get(key))}
    address.write(query, NAMES)


def show_chips(selection: SavedSelection, scorings: Sequence[Scoring]) -> None:
    """What the selection was made of, and a chip for each option that is not as usual."""
    chips.row("export", [Chip(made_of(selection, scorings), "made-of", None, MADE_OF), *_of()])


def made_of(selection: SavedSelection, scorings: Sequence[Scoring]) -> str:
    """The rule of a selection, its datasets where they are not all, and its scores where there are several."""
    parts = [rule_in_words(selection.spec)]
    if datasets := selection.spec.get("datasets"):
        parts.append(f"only {', '.join(datasets)}")
    scoring = next((one for one in scorings if one.scoring_id == selection.scoring_id), None)
    if scoring and len(scorings) > 1:
        parts.append(state.scoring_label(scoring))
    return " · ".join(parts)


def _of() -> list[Chip]:
    session, format = st.session_state, draft.chosen_format()
    shown = []
    if n := draft.validation():
        words = f"{theme.percent(n)} set aside for validation" if n < 1 else f"{theme.count(n)} rows set aside"
        seed = int(session.get(draft.SEED) or 0)
        shown.append(_chip(f"{words}, seed {seed}" if seed else words, draft.VALIDATION, 0))
    if session.get(draft.RANKED) and format != "source":
        shown.append(_chip("Best score first", draft.RANKED, False))
    if session.get(draft.WEIGHT) and draft.takes_weight(format):
        shown.append(_chip("Score as a weight", draft.WEIGHT, False))
    if not session.get(draft.CHECK, True):
        shown.append(_chip("No comparison with the scored tokens", draft.CHECK, True))
    if session.get(draft.REPLACE):
        shown.append(_chip("Replaces another export", draft.REPLACE, False))
    if session.get(draft.DROPPED):
        shown.append(_chip("With excluded rows", draft.DROPPED, False))
    if limit := int(session.get(draft.CUTOFF) or 0):
        shown.append(_chip(f"Trainer's limit: {theme.count(limit)} tokens", draft.CUTOFF, 0))
    return shown


def _chip(words: str, key: str, usual: object) -> Chip:
    def close() -> None:
        st.session_state[key] = usual

    return Chip(words, key, close)
