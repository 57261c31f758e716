"""Where do rows rank whose answer belongs to another question? A score that can be trusted lets them sink."""

from dataclasses import dataclass

import numpy as np

from lobass_core.validation.statistics import student_95

# An AUC of 1 has no variance: so many rows in their place bound what it may be (Clopper and Pearson 1934).
_ONE_SIDED = 0.025


@dataclass(frozen=True, slots=True)
class SwappedRank:
    """How one measure ranks swapped rows of one domain; an empty domain stands for all of them.

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


def swapped_rank(
    measure: str, domain: str, swapped: np.ndarray, own: np.ndarray, imported: np.ndarray
) -> SwappedRank | None:
    """Rank swapped rows among the imported ones by a score whose highest values are kept.

    `own` has the score of the row whose answer was replaced, for each swapped row. Rows without a score are left out.
    The interval is DeLong's (1988), with Student's t. None where one side has no row.
    """
    usable = np.isfinite(swapped)
    swapped, own = swapped[usable], own[usable]
    imported = np.sort(imported[np.isfinite(imported)])
    m, n = len(swapped), len(imported)
    if not m or not n:
        return None
    above = 1 - _share_below(imported, swapped)
    below = _share_below(np.sort(swapped), imported)
    auc = float(above.mean())
    margin = 1.0
    if min(m, n) > 1:
        # Of few rows the variance is not known well: Student's t in place of the normal distribution.
        variance = above.var(ddof=1) / m + below.var(ddof=1) / n
        margin = student_95(min(m, n) - 1) * float(np.sqrt(variance))
    low, high = max(auc - margin, 0.0), min(auc + margin, 1.0)
    bound = _ONE_SIDED ** (1 / m)
    return SwappedRank(
        measure=measure,
        domain=domain,
        n_swapped=m,
        n_rows=n,
        auc=auc,
        low=min(low, bound) if auc == 1 else low,
        high=max(high, 1 - bound) if auc == 0 else high,
        n_below_own=int((swapped < own).sum()),
        median_rank=float(np.median(above)),
    )


def _share_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each value, the share of the ordered ones that are below it; equal ones count half."""
    left, right = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return (left + right) / 2 / len(ordered)
