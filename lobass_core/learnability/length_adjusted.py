"""A score without its dependence on response length: the residual of a monotone fit, by domain."""

import numpy as np

from lobass_core.learnability.ranks import spearman


def length_adjusted(score: np.ndarray, n_tokens: np.ndarray, domains: np.ndarray) -> np.ndarray:
    """float64[n]: by how much each score is above the score expected of its domain at its length; NaN stays NaN.

    The expected score rises or falls with the length throughout, whichever way the domain's rank correlation points
    (pool-adjacent-violators, Barlow et al. 1972). Rows of the same length share one expected score.
    """
    adjusted = np.full(len(score), np.nan)
    for domain in sorted(set(domains.tolist())):
        rows = np.flatnonzero((domains == domain) & np.isfinite(score))
        # In one order whatever the order of the rows, so that every sum is the same to its last bit.
        rows = rows[np.lexsort((score[rows], n_tokens[rows]))]
        if len(rows):
            adjusted[rows] = score[rows] - _expected(score[rows], n_tokens[rows])
    return adjusted


def _expected(score: np.ndarray, n_tokens: np.ndarray) -> np.ndarray:
    # Half a second to import, and hardly a command needs it.
    from scipy.optimize import isotonic_regression

    lengths, place, counts = np.unique(n_tokens, return_inverse=True, return_counts=True)
    if len(lengths) < 2 or np.ptp(score) == 0:
        return np.full(len(score), score.mean())
    means = np.bincount(place, weights=score) / counts
    rises = (spearman(n_tokens, score) or 0.0) >= 0
    return isotonic_regression(means, weights=counts.astype(np.float64), increasing=rises).x[place]
