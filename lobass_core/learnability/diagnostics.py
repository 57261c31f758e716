"""Is a selection just about length, and how does it differ from a random one of the same size?"""

from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.distributions import length_groups
from lobass_core.learnability.measure_values import measures_of, values_of
from lobass_core.learnability.measures import Measure
from lobass_core.learnability.ranks import spearman
from lobass_core.learnability.score_table import ScoreTable


@dataclass(frozen=True, slots=True)
class LengthCheck:
    """Spearman's rho of score and response tokens, and the median lengths, among the rows of the pool and the kept."""

    rho_all: float | None
    rho_kept: float | None
    n_all: int
    n_kept: int
    median_tokens_all: float | None
    median_tokens_kept: float | None


def length_check(score: np.ndarray, n_tokens: np.ndarray, pool: np.ndarray, kept: np.ndarray) -> LengthCheck:
    """Compare score and length; `pool` and `kept` are row indices or masks."""
    return LengthCheck(
        rho_all=spearman(score[pool], n_tokens[pool]),
        rho_kept=spearman(score[kept], n_tokens[kept]),
        n_all=len(score[pool]),
        n_kept=len(score[kept]),
        median_tokens_all=_median(n_tokens[pool]),
        median_tokens_kept=_median(n_tokens[kept]),
    )


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None


@dataclass(frozen=True, slots=True)
class RandomComparison:
    """One measure of the kept rows beside its exact expectation for a random draw, with the draw's standard deviation.

    `kept` and `expected` are means a row; None where no kept row, or no row of the pool, has the measure.
    """

    measure: Measure
    kept: float | None
    expected: float | None
    deviation: float | None

    @property
    def z(self) -> float | None:
        """How many standard deviations of a random draw the kept mean is away; None where a draw cannot vary."""
        if self.kept is None or self.expected is None or not self.deviation:
            return None
        return (self.kept - self.expected) / self.deviation


@dataclass(frozen=True, slots=True)
class LengthShare:
    """Share of the rows in one bin of response tokens, kept and as expected at random."""

    name: str
    kept: float
    expected: float


@dataclass(frozen=True, slots=True)
class VersusRandom:
    """The kept rows against random rows: as many from each stratum."""

    n_kept: int
    measures: tuple[RandomComparison, ...]
    lengths: tuple[LengthShare, ...]


def versus_random(table: ScoreTable, pool: np.ndarray, kept: np.ndarray, *, by_domain: bool = True) -> VersusRandom:
    """Compare with drawing, without replacement, as many rows from the pool as are kept: per domain, or from all.

    The expectation and the deviation are computed from the pool's moments (sampling without replacement from strata:
    Cochran 1977, theorem 5.3), so no draw is made. `pool` (the rows that could be kept) and `kept` are row indices.
    """
    code = table.domain_code if by_domain else np.zeros(len(table), np.int16)
    n_strata = max(len(table.domains), 1) if by_domain else 1
    draws = np.bincount(code[kept], minlength=n_strata)
    strata = [(int(n), pool[code[pool] == k]) for k, n in enumerate(draws.tolist()) if n]
    compared = tuple(
        _compare(measure, values_of(table, name), kept, strata)
        for name, measure in measures_of(table).items()
        if not measure.uses_seed
    )
    return VersusRandom(len(kept), compared, _length_shares(table, code, pool, kept, draws))


def _compare(
    measure: Measure, values: np.ndarray, kept: np.ndarray, strata: list[tuple[int, np.ndarray]]
) -> RandomComparison:
    """`strata` are the draws from each part of the pool, and its rows."""
    kept_values = values[kept]
    kept_values = kept_values[~np.isnan(kept_values)]
    total = variance = 0.0
    n_drawn = 0
    for n_draws, rows in strata:
        stratum = values[rows]
        stratum = stratum[~np.isnan(stratum)]
        if not len(stratum):
            continue
        n_drawn += n_draws
        total += n_draws * float(stratum.mean())
        if len(stratum) > 1:
            # Rows kept by hand can outnumber the pool; a draw of all of it does not vary.
            left_out = max(1 - n_draws / len(stratum), 0.0)
            variance += n_draws * left_out * float(stratum.var(ddof=1))
    return RandomComparison(
        measure=measure,
        kept=float(kept_values.mean()) if len(kept_values) else None,
        expected=total / n_drawn if n_drawn else None,
        deviation=float(np.sqrt(variance)) / n_drawn if n_drawn else None,
    )


def _length_shares(
    table: ScoreTable, code: np.ndarray, pool: np.ndarray, kept: np.ndarray, draws: np.ndarray
) -> tuple[LengthShare, ...]:
    length_code, names = length_groups(table.n_tokens)
    n_bins = len(names)
    n_kept = np.bincount(length_code[kept][length_code[kept] >= 0], minlength=n_bins)
    expected = np.zeros(n_bins)
    for k, n_draws in enumerate(draws.tolist()):
        lengths = length_code[pool[code[pool] == k]]
        lengths = lengths[lengths >= 0]
        if len(lengths):
            expected += n_draws * np.bincount(lengths, minlength=n_bins) / len(lengths)
    n_found, n_expected = max(int(n_kept.sum()), 1), expected.sum() or 1.0
    return tuple(
        LengthShare(name, float(n_kept[k] / n_found), float(expected[k] / n_expected)) for k, name in enumerate(names)
    )
