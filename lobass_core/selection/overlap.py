"""What two selections, or two scorings, have in common."""

from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.ranks import spearman


@dataclass(frozen=True, slots=True)
class DomainOverlap:
    """Rows of one domain that both selections hold, or only one."""

    domain: str
    both: int
    only_a: int
    only_b: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two selections side by side. `rank_agreement` is Spearman's rho of their ranks over the rows in both.

    `expected_both` is what two random selections of these sizes, domain by domain, would share.
    """

    domains: tuple[DomainOverlap, ...]
    rank_agreement: float | None
    expected_both: float

    @property
    def both(self) -> int:
        return sum(part.both for part in self.domains)

    @property
    def only_a(self) -> int:
        return sum(part.only_a for part in self.domains)

    @property
    def only_b(self) -> int:
        return sum(part.only_b for part in self.domains)

    @property
    def jaccard(self) -> float:
        """Rows in both over rows in either; 1 for two empty selections."""
        either = self.both + self.only_a + self.only_b
        return self.both / either if either else 1.0


def overlap(rank_a: np.ndarray, rank_b: np.ndarray, domain_code: np.ndarray, domains: tuple[str, ...]) -> Overlap:
    """Compare two selections over the same rows; ranks are 1, 2, 3 ... for picks and 0 for the rest."""
    in_a, in_b = rank_a > 0, rank_b > 0

    def per_domain(rows: np.ndarray) -> np.ndarray:
        return np.bincount(domain_code[rows], minlength=len(domains))

    both, only_a, only_b = per_domain(in_a & in_b), per_domain(in_a & ~in_b), per_domain(in_b & ~in_a)
    n_rows = np.maximum(np.bincount(domain_code, minlength=len(domains)), 1)
    shared = in_a & in_b
    return Overlap(
        domains=tuple(
            DomainOverlap(name, int(both[k]), int(only_a[k]), int(only_b[k])) for k, name in enumerate(domains)
        ),
        rank_agreement=spearman(rank_a[shared].astype(float), rank_b[shared].astype(float)),
        expected_both=float(((both + only_a) * (both + only_b) / n_rows).sum()),
    )


def ranks_of(row_key: np.ndarray, picked: np.ndarray) -> np.ndarray:
    """int64[n]: the rank of each row (1 is best) from row keys in rank order, 0 for a row that is not picked.

    Picks that are not among the rows are left out.
    """
    order = np.argsort(row_key)
    rank = np.zeros(len(row_key), np.int64)
    if not len(row_key):
        return rank
    place = np.minimum(np.searchsorted(row_key, picked, sorter=order), len(row_key) - 1)
    rows = order[place]
    is_there = row_key[rows] == picked
    rank[rows[is_there]] = np.flatnonzero(is_there) + 1
    return rank


def score_agreement(
    score_a: np.ndarray, score_b: np.ndarray, domain_code: np.ndarray, domains: tuple[str, ...]
) -> dict[str, float | None]:
    """Spearman's rho of two scores over the same rows, in each domain; None where it does not exist."""
    return {name: spearman(score_a[domain_code == k], score_b[domain_code == k]) for k, name in enumerate(domains)}
