"""Notices about scores that mislead, each with a link to its rows or to a remedy."""

import streamlit as st

from lobass_core.learnability.flags import FLAG_NAMES, WORSE_THAN_CHANCE
from lobass_core.specs import Gates
from lobass_core.workflows import explore
from lobass_core.workflows.doubts import Doubts
from lobass_core.workflows.scored import Scored
from pages.components import parts, state, theme, view
from pages.components.scoring.opening import SHOWN
from pages.components.scoring.settings import TRAIN, USE_REFERENCE
from pages.components.view import Node, el

CHANCE, TRAINING = "chance", "training"


def show(rows: Scored, *, key: str, gates: Gates | None = None) -> None:
    """Draw what there is to say, or nothing; `gates` are those that the rows compete under, None where none do.

    Its place stays, as that of chips does.
    """
    place = st.container()
    doubts = explore.doubts(rows)
    nodes = notices(doubts, gates)
    if not nodes:
        return
    with place:
        clicked = view.show(el("div", *nodes, cls="notices"), key=key, label="About these scores")
    if clicked == TRAINING:
        st.session_state[SHOWN] = "new"
        st.session_state[USE_REFERENCE] = TRAIN
        state.go("score")
    elif clicked == CHANCE:
        scope = {"dataset": list(rows.datasets)} if rows.datasets else {}
        state.go("browse", **scope, flag=[FLAG_NAMES[WORSE_THAN_CHANCE]])


def notices(doubts: Doubts, gates: Gates | None) -> list[Node]:
    """One notice a doubt, where it concerns enough rows."""
    nodes = []
    if doubts.chance_sentence():
        nodes.append(
            parts.notice(
                f"The base is worse than chance on {theme.count(doubts.n_worse_than_chance)} of "
                f"{theme.count(doubts.n_scored)} scored rows ({theme.percent(doubts.chance_share)}).",
                "Their scores mean little. The usual cause is a template or language that the base does not know. "
                + _gate_words(gates),
                tone="amber",
                link=("See these rows", CHANCE),
            )
        )
    if doubts.unseen_sentence():
        nodes.append(
            parts.notice(
                f"The reference was not trained on {theme.count(doubts.n_unseen)} of {theme.count(doubts.n_scored)} "
                f"scored rows ({theme.percent(doubts.unseen_share)}).",
                "This alone lowers their learnability. Train a reference on all rows, or with folds.",
                tone="amber",
                link=("Train a reference", TRAINING),
            )
        )
    return nodes


def _gate_words(gates: Gates | None) -> str:
    if gates is None:
        return ""
    return "A gate excludes them." if gates.exclude_worse_than_chance else "No gate excludes them."
