"""Small cumulative tables of the sorted scores: all that a browser needs to move a cut without the server."""

from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.distributions import round_axis
from lobass_core.selection.sorted_scores import SortedDomain, SortedScores

N_KNOTS = 1000
N_BINS = 120
# A score that this many rows share is a step in the counts; knots on both its sides make the step exact.
STEP_ROWS = 50
# Knots for the rows beyond the axis, at equal counts: interpolating one long stretch there would be far off.
N_TAIL_KNOTS = 48


@dataclass(frozen=True, slots=True, eq=False)
class DomainCurve:
    """One domain's rows that compete by score. A cut at `knots[i]` keeps `n_above[i]` of them: score >= knot.

    `knots` ascend from the lowest score to just above the highest, so the counts run from all rows to 0.
    """

    domain: str
    knots: np.ndarray  # float64[k]
    n_above: np.ndarray  # int64[k]
    tokens_above: np.ndarray  # int64[k], response tokens
    bins: np.ndarray  # int64[n_bins]: rows between the shared bin edges
    n_below_axis: int
    n_above_axis: int
    n_rows: int
    n_competing: int
    n_by_hand: int
    tokens_competing: int
    tokens_by_hand: int


@dataclass(frozen=True, slots=True, eq=False)
class CutCurves:
    """Curves of all domains over one axis. `bin_edges` is float64[n_bins + 1], unrounded."""

    bin_edges: np.ndarray
    domains: tuple[DomainCurve, ...]


def cut_curves(
    scores: SortedScores, *, n_knots: int = N_KNOTS, n_bins: int = N_BINS, axis: tuple[float, float] | None = None
) -> CutCurves:
    """Tables of about `n_knots` points a domain over a shared axis (`score_axis` when none is given)."""
    low, high = axis or score_axis(scores)
    grid = np.linspace(low, high, n_knots)
    bin_edges = np.linspace(low, high, n_bins + 1)
    supply = scores.supply
    curves = []
    for k, domain in enumerate(scores.domains):
        knots = _knots(domain, grid)
        n_above = _n_above(domain, knots)
        # Bins are closed below and open above; the last one holds its upper edge too, as numpy's do.
        n_at_edge = _n_above(domain, bin_edges)
        n_beyond = int(np.searchsorted(domain.cost, -high, side="left"))
        n_at_edge[-1] = n_beyond
        curves.append(
            DomainCurve(
                domain=supply.domains[k],
                knots=knots,
                n_above=n_above,
                tokens_above=domain.tokens_before[n_above],
                bins=n_at_edge[:-1] - n_at_edge[1:],
                n_below_axis=len(domain.rows) - int(n_at_edge[0]),
                n_above_axis=n_beyond,
                n_rows=supply.n_rows[k],
                n_competing=supply.n_competing[k],
                n_by_hand=supply.n_by_hand[k],
                tokens_competing=supply.tokens_competing[k],
                tokens_by_hand=supply.tokens_by_hand[k],
            )
        )
    return CutCurves(bin_edges, tuple(curves))


def score_axis(scores: SortedScores) -> tuple[float, float]:
    """A round range that the best rows are within; (0, 1) without rows and for `random`."""
    if scores.measure.uses_seed:
        return 0.0, 1.0
    return round_axis(-scores.pool.cost, tail=0.001)


def _n_above(domain: SortedDomain, knots: np.ndarray) -> np.ndarray:
    return np.searchsorted(domain.cost, -knots, side="right").astype(np.int64)


def _knots(domain: SortedDomain, grid: np.ndarray) -> np.ndarray:
    """The grid within the domain's scores, both ends, both sides of every shared score, and points in the tails."""
    scores = -domain.cost[::-1]  # ascending
    if not len(scores):
        return np.zeros(0)
    low, high = scores[0], scores[-1]
    starts = np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1]]))
    sizes = np.diff(np.append(starts, len(scores)))
    # The largest steps first, so that scores of whole numbers do not outgrow the payload.
    largest = np.argsort(-sizes, kind="stable")[: len(grid)]
    shared = scores[starts[largest[sizes[largest] >= STEP_ROWS]]]
    tails = [scores[: np.searchsorted(scores, grid[0])], scores[np.searchsorted(scores, grid[-1], side="right") :]]
    parts = [
        np.array([low, high, np.nextafter(high, np.inf)]),
        grid[(grid > low) & (grid < high)],
        shared,
        np.nextafter(shared, np.inf),
        *(tail[np.linspace(0, len(tail) - 1, min(len(tail), N_TAIL_KNOTS)).astype(int)] for tail in tails),
    ]
    return np.unique(np.concatenate(parts))
