"""Would the same rows be selected again: had the pool been drawn again, or with another reference?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lobass_core.words.loss_columns import is_epoch, is_member

# A row could go either way where it is kept in more than 2.5 % and in less than 97.5 % of the draws.
UNSURE = (0.025, 0.975)
N_DRAWS = 4000
SEEDS, EPOCHS = "seeds", "epochs"


@dataclass(frozen=True, slots=True)
class CutStability:
    """How the cut of one domain moves where its rows are drawn again, with replacement (Efron's bootstrap).

    `share_stays` of the kept rows are kept again on average; `n_unsure` rows could go either way, and have scores from
    `low` to `high`. `domain` is empty for one cut over all domains.
    """

    domain: str
    n_rows: int
    n_kept: int
    share_stays: float
    n_unsure: int
    low: float
    high: float


def cut_stability(domain: str, best_first: np.ndarray, n_kept: int, seed: int = 0) -> CutStability | None:
    """How sure the cut after `n_kept` of these scores is, best first; None where nothing or everything is kept.

    The last kept row of a pool drawn again is the row of rank r or better where `n_kept` of the draws are, so its rank
    is n times a Beta(k, n - k + 1) number: no pool is drawn.
    """
    n = len(best_first)
    if not 0 < n_kept < n:
        return None
    cuts = np.sort(np.random.default_rng(seed).beta(n_kept, n - n_kept + 1, N_DRAWS))
    kept = 1 - np.searchsorted(cuts, np.arange(n) / n, side="right") / N_DRAWS
    unsure = np.flatnonzero((kept > UNSURE[0]) & (kept < UNSURE[1]))
    edges = best_first[unsure] if len(unsure) else best_first[n_kept - 1 : n_kept]
    return CutStability(
        domain, n, n_kept, float(kept[:n_kept].mean()), len(unsure), float(edges.min()), float(edges.max())
    )


def could_go_either_way(
    score: np.ndarray, margin: np.ndarray, cut: float, *, higher_is_better: bool = True
) -> np.ndarray:
    """bool[n]: rows of one cut whose score is nearer to it than chance moves either.

    `margin` is half of the 95 % interval of each row's score, 0 where there is one reference. The cut has an interval
    too: where it could lie had the rows been drawn again. The two are independent, so their squares add up.
    """
    kept = score >= cut if higher_is_better else score <= cut
    ordered = np.sort(score)
    moves = cut_stability("", ordered[::-1] if higher_is_better else ordered, int(kept.sum()))
    if moves is None:
        return np.zeros(len(score), bool)
    room = np.where(score >= cut, moves.high - cut, cut - moves.low)
    return np.abs(score - cut) <= np.hypot(np.maximum(room, 0), margin)


def comparable_references(columns: Sequence[str]) -> dict[str, list[str]]:
    """Loss columns that tell how far a selection depends on one training: of several seeds, and of several epochs.

    A scoring's own reference is none of them: it is the mean of the seeds, and the same as the epoch that was chosen.
    """
    seeds = sorted((name for name in columns if is_member(name)), key=_number)
    epochs = sorted((name for name in columns if is_epoch(name)), key=_number)
    kinds = {SEEDS: seeds, EPOCHS: epochs}
    return {kind: names for kind, names in kinds.items() if len(names) > 1}


def _number(name: str) -> float:
    return float(name.rpartition("-")[2])


@dataclass(frozen=True, slots=True)
class ReferenceStability:
    """How one domain's selection depends on the reference: on its seed, or on its epochs, as `kind` says.

    `share_stays`: of the rows that one reference keeps, another one keeps so many, the mean over all pairs. A sample's
    standard error is that of its mean score over the references. `n_unsure` rows are kept under some references and not
    under others; by the first reference their scores go from `low` to `high`.
    """

    kind: str
    n_references: int
    domain: str
    n_rows: int
    n_kept: int
    share_stays: float
    standard_error_median: float
    standard_error_90: float
    n_unsure: int
    low: float
    high: float


def reference_stability(
    kind: str, domain: str, scores: Mapping[str, np.ndarray], n_kept: int, *, higher_is_better: bool = True
) -> ReferenceStability | None:
    """Compare what each reference would keep of the same rows; None for fewer than two references or no cut.

    `scores` holds each reference's scores of the rows; rows that one of them has no score for are left out.
    """
    if len(scores) < 2:
        return None
    table = np.array(list(scores.values()))
    table = table[:, np.isfinite(table).all(axis=0)]
    n_references, n = table.shape
    if not 0 < n_kept < n:
        return None
    order = np.argsort(-table if higher_is_better else table, axis=1, kind="stable")
    kept = np.zeros(table.shape, bool)
    np.put_along_axis(kept, order[:, :n_kept], values=True, axis=1)
    pairs = [int((kept[a] & kept[b]).sum()) / n_kept for a, b in combinations(range(n_references), 2)]
    errors = table.std(axis=0, ddof=1) / np.sqrt(n_references)
    unsure = kept.any(axis=0) & ~kept.all(axis=0)
    edges = table[0][unsure] if unsure.any() else table[0][order[0][n_kept - 1 : n_kept]]
    return ReferenceStability(
        kind=kind,
        n_references=n_references,
        domain=domain,
        n_rows=n,
        n_kept=n_kept,
        share_stays=float(np.mean(pairs)),
        standard_error_median=float(np.median(errors)),
        standard_error_90=float(np.quantile(errors, 0.9)),
        n_unsure=int(unsure.sum()),
        low=float(edges.min()),
        high=float(edges.max()),
    )
