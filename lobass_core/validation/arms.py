"""Which rows each arm of an experiment is trained on: pure rules over candidates, a budget and a draw."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from lobass_core.errors import RequestError
from lobass_core.learnability.length_adjusted import length_adjusted
from lobass_core.selection.balance import share_budget
from lobass_core.validation.candidates import Candidates

BASE, FULL = "base", "full"
RANDOM, RANDOM_BY_DOMAIN, LENGTH_MATCHED = "random", "random-by-domain", "length-matched"
DRAWN = (RANDOM, RANDOM_BY_DOMAIN, LENGTH_MATCHED)
SELECTION, MEASURE = "selection:", "measure:"
# Rows of `band` have a base loss up to this quantile of their domain. Of a pool with 30 % damaged rows, 6 and 1 % of
# what it kept at 16.7 % were damaged (two models), 16 and 6 % by learnability alone (docs/validation.md).
BAND_QUANTILE = 0.7
# Length-matched draws take as many rows of each tenth of their domain's lengths as the rows that they match.
N_LENGTH_BINS = 10
# Draws of different arms come from different streams.
_STREAMS = {RANDOM: 11, RANDOM_BY_DOMAIN: 12, LENGTH_MATCHED: 13}

Score = Callable[[Candidates], np.ndarray]


def within_band(candidates: Candidates, quantile: float = BAND_QUANTILE) -> np.ndarray:
    """Learnability of the rows whose base loss is at most the quantile of their domain; NaN for the others."""
    score = candidates.learnability()
    for domain in np.unique(candidates.domains):
        of_domain = candidates.domains == domain
        known = of_domain & np.isfinite(candidates.base_loss)
        if known.any():
            limit = np.quantile(candidates.base_loss[known], quantile)
            score[of_domain & ~(candidates.base_loss <= limit)] = np.nan
    return score


def _adjusted(candidates: Candidates) -> np.ndarray:
    return length_adjusted(candidates.learnability(), candidates.n_tokens, candidates.domains)


SCORES: dict[str, Score] = {
    "learnability": Candidates.learnability,
    "length-adjusted": _adjusted,
    "band": within_band,
    "longest": lambda rows: rows.n_tokens.astype(np.float64),
    "shortest": lambda rows: -rows.n_tokens.astype(np.float64),
    "base-loss": lambda rows: rows.base_loss,
    "low-base-loss": lambda rows: -rows.base_loss,
    "loss-drop": lambda rows: rows.base_loss - rows.reference_loss,
    "loss-drop-sum": lambda rows: (rows.base_loss - rows.reference_loss) * rows.n_tokens,
    "bottom": lambda rows: -rows.learnability(),
}
ARMS = (BASE, FULL, *SCORES, *DRAWN)


def check_arm(name: str) -> None:
    """Raises RequestError where there is no arm of that name; others are `selection:NAME` and `measure:NAME`."""
    if name not in ARMS and not name.startswith((SELECTION, MEASURE)):
        raise RequestError(
            f"there is no arm {name!r}", do=f"Choose from: {', '.join(ARMS)}, {SELECTION}NAME, {MEASURE}NAME."
        )


def rows_of_arm(
    arm: str, candidates: Candidates, budget: int, draw: int = 0, anchor: str = "learnability"
) -> np.ndarray:
    """The rows of an arm, best first for scores, int64[at most budget].

    `base` has none and `full` has all of them, whatever the budget; a saved selection has its own. All others but
    `random` take each domain's share of the candidates. `draw` numbers the draws of a random arm; `anchor` is the arm
    whose lengths `length-matched` draws follow.

    Raises:
        RequestError: there is no such arm, selection or measure.
    """
    check_arm(arm)
    if arm == BASE:
        return np.zeros(0, dtype=np.int64)
    if arm == FULL:
        return np.arange(len(candidates))
    if arm.startswith(SELECTION):
        return _named(candidates.selections, arm.removeprefix(SELECTION), "selection")
    if arm == RANDOM:
        return _rng(arm, draw).permutation(len(candidates))[:budget]
    if arm == RANDOM_BY_DOMAIN:
        return top_by_domain(candidates, _rng(arm, draw).random(len(candidates)), budget)
    if arm == LENGTH_MATCHED:
        matched = rows_of_arm(anchor, candidates, budget)
        return length_matched(candidates, matched, _rng(arm, draw))
    if arm.startswith(MEASURE):
        return top_by_domain(candidates, _named(candidates.scores, arm.removeprefix(MEASURE), "measure"), budget)
    return top_by_domain(candidates, SCORES[arm](candidates), budget)


def top_by_domain(candidates: Candidates, score: np.ndarray, budget: int) -> np.ndarray:
    """The highest scores of each domain, each domain by its share of the candidates; ties by sample id.

    A domain with too few scored rows hands the rest of its share on to the others.
    """
    names, sizes = np.unique(candidates.domains, return_counts=True)
    scored = np.isfinite(score)
    ceilings = [int((scored & (candidates.domains == name)).sum()) for name in names]
    grants = share_budget(budget, [Fraction(int(size)) for size in sizes], [0] * len(names), ceilings)
    # Candidates lie in the order of their ids: a stable sort breaks ties by id.
    ranked = np.argsort(np.where(scored, -score, np.inf), kind="stable")
    kept = np.zeros(len(candidates), bool)
    for name, granted in zip(names, grants.granted, strict=True):
        kept[ranked[candidates.domains[ranked] == name][:granted]] = True
    return ranked[kept[ranked]]


def length_matched(candidates: Candidates, matched: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random draw with the domains and, by tenths of each domain's lengths, the response lengths of other rows."""
    chosen = []
    for domain in np.unique(candidates.domains):
        rows = np.flatnonzero(candidates.domains == domain)
        edges = np.quantile(candidates.n_tokens[rows], np.linspace(0, 1, N_LENGTH_BINS + 1)[1:-1])
        bins = np.searchsorted(edges, candidates.n_tokens[rows], side="left")
        wanted = np.bincount(bins[np.isin(rows, matched)], minlength=N_LENGTH_BINS)
        chosen += [rng.permutation(rows[bins == number])[:count] for number, count in enumerate(wanted)]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=np.int64)


def _named(there: object, name: str, kind: str) -> np.ndarray:
    assert isinstance(there, dict)
    if name not in there:
        raise RequestError(
            f"there is no {kind} {name!r}",
            do=f"Choose from: {', '.join(sorted(there))}." if there else f"No {kind} is known here.",
        )
    return there[name]


def _rng(arm: str, draw: int) -> np.random.Generator:
    return np.random.default_rng([_STREAMS[arm], draw])
