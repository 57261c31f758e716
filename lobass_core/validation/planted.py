"""Where do rows rank whose answer belongs to another question? A score that can be trusted lets them sink."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lobass_core.validation.statistics import student_95

# An AUC of 1 has no variance: so many rows in their place bound what it may be (Clopper and Pearson 1934).
_ONE_SIDED = 0.025


@dataclass(frozen=True, slots=True)
class SwappedRank:
    """How one measure ranks swapped rows of one domain; an empty domain stands for all, each among its own rows.

    `auc` is the chance that a row as it was imported scores above a swapped one, `low` to `high` its 95 % interval:
    0.5 is no better than chance. `n_below_own` of the swapped rows score below the row whose answer was replaced.
    `median_rank` is the median swapped row's place among the imported rows, 0 for the best and 1 for the worst.
    """

    measure: str
    domain: str
    n_swapped: int
    n_rows: int
    auc: float
    low: float
    high: float
    n_below_own: int
    median_rank: float

    @property
    def sinks(self) -> bool:
        """Whether swapped rows surely rank below the others."""
        return self.low > 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Swapped:
    """The scores of one domain, whose highest values are kept: swapped rows, for each of them the row whose answer was
    replaced, and the imported rows; NaN without a score."""

    swapped: np.ndarray
    own: np.ndarray
    imported: np.ndarray


def swapped_rank(measure: str, domain: str, parts: Sequence[Swapped]) -> SwappedRank | None:
    """Rank the swapped rows of each part among its imported ones; rows without a score are left out.

    Each part counts by its swapped rows, so that one domain's scores are never held against another's. The interval is
    DeLong's (1988) with Student's t, of several parts with Satterthwaite's degrees of freedom; parts with one row on
    either side are left out where others have more. None where no part has rows on both sides.
    """
    placed = [one for part in parts if (one := _placed(part)) is not None]
    placed = [one for one in placed if min(len(one.above), len(one.below)) > 1] or placed[:1]
    if not placed:
        return None
    m = sum(len(one.above) for one in placed)
    weights = [len(one.above) / m for one in placed]
    auc = sum(weight * float(one.above.mean()) for weight, one in zip(weights, placed, strict=True))
    margin = _margin(weights, placed)
    low, high = max(auc - margin, 0.0), min(auc + margin, 1.0)
    bound = _ONE_SIDED ** (1 / m)
    is_all, is_none = (all((one.above == end).all() for one in placed) for end in (1, 0))
    return SwappedRank(
        measure=measure,
        domain=domain,
        n_swapped=m,
        n_rows=sum(len(one.below) for one in placed),
        auc=auc,
        low=min(low, bound) if is_all else low,
        high=max(high, 1 - bound) if is_none else high,
        n_below_own=sum(one.n_below_own for one in placed),
        median_rank=float(np.median(np.concatenate([one.above for one in placed]))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """Of each swapped row the share of imported rows above it, of each imported row that of swapped ones below it."""

    above: np.ndarray
    below: np.ndarray
    n_below_own: int


def _placed(part: Swapped) -> _Placed | None:
    usable = np.isfinite(part.swapped)
    swapped, own = part.swapped[usable], part.own[usable]
    imported = np.sort(part.imported[np.isfinite(part.imported)])
    if not len(swapped) or not len(imported):
        return None
    above, below = 1 - _share_below(imported, swapped), _share_below(np.sort(swapped), imported)
    return _Placed(above, below, int((swapped < own).sum()))


def _margin(weights: Sequence[float], placed: Sequence[_Placed]) -> float:
    """Half of the 95 % interval; of few rows the variance is not known well, so by Student's t."""
    if min(min(len(one.above), len(one.below)) for one in placed) < 2:
        return 1.0
    variances, shares = [], []
    for weight, one in zip(weights, placed, strict=True):
        variance = one.above.var(ddof=1) / len(one.above) + one.below.var(ddof=1) / len(one.below)
        variances.append(weight**2 * float(variance))
        shares.append(variances[-1] ** 2 / (min(len(one.above), len(one.below)) - 1))
    total = sum(variances)
    return student_95(max(int(total**2 / sum(shares) + 1e-9), 1)) * total**0.5 if total else 0.0


def _share_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each value, the share of the ordered ones that are below it; equal ones count half."""
    left, right = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return (left + right) / 2 / len(ordered)
