"""Where the regions of the loss plane meet in each domain: moved by hand, at the working cut, or by default.

    limit=math:0.4:0.83     math is learnable from 0.4 and known below 0.83 nats; an empty number is not moved

The session holds what was moved. The page's address also holds the working cut, so that a link shows the same numbers.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from lobass_core.errors import SelectionError
from lobass_core.learnability.regions import LEAST_LEARNABLE, Limits
from lobass_core.project import Project
from lobass_core.workflows import explore
from lobass_core.workflows.cut import learnability_cuts
from lobass_core.workflows.scored import Scored
from pages.components.selection import draft

KEY, PARAMETER = "learnability.limits", "limit"


@dataclass(frozen=True, slots=True)
class MovedLimits:
    """The limits of one domain that a person has moved; None for one that was not."""

    learnable_from: float | None = None
    known_below: float | None = None


@dataclass(frozen=True, slots=True)
class DomainLimits:
    """The limits of one domain, and where the one of learnability comes from: "moved", "cut" or "third"."""

    domain: str
    limits: Limits
    source: str
    is_known_moved: bool

    def parameter(self) -> str:
        """As the address holds it; "" where the scores alone decide."""
        score = "" if self.source == "third" else repr(self.limits.learnable_from)
        base = repr(self.limits.known_below) if self.is_known_moved else ""
        return f"{self.domain}:{score}:{base}" if score or base else ""


def placed(rows: Scored, cuts: Mapping[str, float], moved: Mapping[str, MovedLimits]) -> tuple[DomainLimits, ...]:
    """The limits that hold, one a domain of the table."""
    return tuple(
        _placed(domain, usual, cuts.get(domain), moved.get(domain, MovedLimits()))
        for domain, usual in zip(rows.table.domains, explore.usual_limits(rows), strict=True)
    )


def _placed(domain: str, usual: Limits, cut: float | None, moved: MovedLimits) -> DomainLimits:
    source, score = "third", usual.learnable_from
    if cut is not None:
        source, score = "cut", max(cut, LEAST_LEARNABLE)
    if moved.learnable_from is not None:
        source, score = "moved", moved.learnable_from
    base = usual.known_below if moved.known_below is None else moved.known_below
    return DomainLimits(domain, Limits(score, base), source, moved.known_below is not None)


def working_cuts(project: Project) -> dict[str, float]:
    """The cut of each domain on the Select page; none before it was opened, and under another method."""
    if not draft.is_begun():
        return {}
    try:
        return learnability_cuts(draft.answer(project))
    except SelectionError:
        # The Select page starts over with such a draft, and says why.
        return {}


def moved() -> dict[str, MovedLimits]:
    """What was moved in this session, by domain."""
    return dict(st.session_state.get(KEY, {}))


def move(domains: Iterable[str], *, learnable_from: float | None = None, known_below: float | None = None) -> None:
    """Put a limit of these domains somewhere else; None leaves it."""
    now = moved()
    for domain in domains:
        mine = now.get(domain, MovedLimits())
        if learnable_from is not None:
            mine = replace(mine, learnable_from=learnable_from)
        if known_below is not None:
            mine = replace(mine, known_below=known_below)
        now[domain] = mine
    st.session_state[KEY] = now


def move_back() -> None:
    """Let go of every limit that was moved."""
    st.session_state.pop(KEY, None)


def adopt(texts: Sequence[str]) -> list[str]:
    """Take over the limits of an address; returns those that cannot be read."""
    by_domain, unread = {}, []
    for text in texts:
        try:
            domain, mine = read(text)
        except ValueError:
            unread.append(text)
        else:
            by_domain[domain] = mine
    st.session_state[KEY] = by_domain
    return unread


def read(text: str) -> tuple[str, MovedLimits]:
    """Domain and limits of one parameter; a name may hold colons.

    Raises:
        ValueError: it is none.
    """
    domain, score, base = text.rsplit(":", 2)
    mine = MovedLimits(*(float(number) if number else None for number in (score, base)))
    low, high = mine.learnable_from, mine.known_below
    if (low is not None and not 0 <= low <= 1) or (high is not None and not 0 < high < math.inf):
        raise ValueError(text)
    return domain, mine
