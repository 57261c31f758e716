"""What the Learnability page draws of the scored rows: distributions, the loss plane, lengths, and their summaries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lobass_core.learnability import distributions as views
from lobass_core.learnability import regions
from lobass_core.learnability.measure_values import measure_of, measures_of, usual_measure, values_of
from lobass_core.learnability.measures import Measure
from lobass_core.learnability.ranks import spearman
from lobass_core.learnability.regions import Limits
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.doubts import Doubts, doubts_of
from lobass_core.workflows.scored import (
    Scored,
    dataset_names,
    list_scorings,
    score_table,
    scored,
    scored_within,
    unscored,
)

__all__ = [
    "LengthView",
    "Plane",
    "Scored",
    "by_dataset",
    "by_domain",
    "by_length",
    "dataset_names",
    "distribution",
    "doubts",
    "length",
    "list_scorings",
    "measures",
    "n_within",
    "plane",
    "score_table",
    "scored",
    "scored_within",
    "total",
    "unscored",
    "usual",
    "usual_limits",
    "value_summaries",
]

N_BINS = 70
PLANE_BINS = (60, 48)


def measures(rows: Scored) -> dict[str, Measure]:
    """What these rows can be drawn, ranked and compared by, by name."""
    return measures_of(rows.table)


def usual(rows: Scored) -> str:
    """The measure that counts unless another is asked for: learnability, without losses the first score column."""
    return usual_measure(rows.table)


def distribution(rows: Scored, measure: str = "", *, n_bins: int = N_BINS) -> views.Distribution:
    """One measure by domain, in its own unit: int64[domains, bins] counts between shared edges, float64[bins + 1].

    Without a name it is the usual one. Bins of lengths grow; rows beyond the edges are counted apart.
    """
    measure = measure or usual(rows)

    def make() -> views.Distribution:
        values = values_of(rows.table, measure)
        if measure_of(rows.table, measure).is_whole:
            edges = views.length_edges(values, n_bins)
        else:
            edges = np.linspace(*views.round_axis(values), n_bins + 1)
        return views.distribution(values, rows.table.domain_code, rows.table.domains, edges)

    return rows.kept(("distribution", measure, n_bins), make)


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """The loss plane by domain: cells, limits, and the rows of each region as int64[domains, 4] after REGIONS."""

    grid: views.Grid
    limits: tuple[Limits, ...]
    region_counts: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """float64[domains, 4]: each region's share of the domain's rows with a learnability; 0 without one."""
        return self.region_counts / np.maximum(self.region_counts.sum(axis=1, keepdims=True), 1)


def usual_limits(rows: Scored) -> tuple[Limits, ...]:
    """Each domain's limits without a cut, in the order of the table's domains."""
    table = rows.table

    def make() -> tuple[Limits, ...]:
        return regions.usual_limits(
            values_of(table, "base-loss"), values_of(table, "learnability"), table.domain_code, len(table.domains)
        )

    return rows.kept("usual limits", make)


def plane(
    rows: Scored,
    limits: Sequence[Limits] = (),
    *,
    against_reference: bool = False,
    bins: tuple[int, int] = PLANE_BINS,
) -> Plane:
    """Base loss (logarithmic) against learnability, or against the reference loss (logarithmic too).

    `limits` are one a domain in the order of the table's domains; none means `usual_limits`.
    """
    table = rows.table
    limits = tuple(limits) or usual_limits(rows)

    def cells() -> views.Grid:
        n_x, n_y = bins
        x = values_of(table, "base-loss")
        x_edges = np.geomspace(*views.log_axis(x), n_x + 1)
        if against_reference:
            y = values_of(table, "reference-loss")
            y_edges = np.geomspace(*views.log_axis(y), n_y + 1)
        else:
            y = values_of(table, "learnability")
            y_edges = np.linspace(*views.round_axis(y), n_y + 1)
        return views.grid(x, y, table.domain_code, table.domains, x_edges, y_edges)

    def counts() -> np.ndarray:
        region = regions.regions(
            values_of(table, "base-loss"), values_of(table, "learnability"), table.domain_code, limits
        )
        return regions.region_counts(region, table.domain_code, len(table.domains))

    return Plane(
        grid=rows.kept(("plane", against_reference, bins), cells),
        limits=limits,
        region_counts=rows.kept(("regions", limits), counts),
    )


@dataclass(frozen=True, slots=True, eq=False)
class LengthView:
    """Learnability against response tokens: cells and median line by domain, and Spearman's rho (None without one)."""

    grid: views.Grid
    lines: tuple[views.BinMedians, ...]
    rho: float | None
    rho_by_domain: tuple[float | None, ...]


def length(rows: Scored) -> LengthView:
    """How learnability depends on the number of response tokens."""
    return rows.kept("length", lambda: _length(rows.table))


def _length(table: ScoreTable) -> LengthView:
    score, n_tokens = values_of(table, "learnability"), table.n_tokens.astype(np.float64)
    x_edges = views.length_edges(n_tokens, PLANE_BINS[0])
    y_edges = np.linspace(*views.round_axis(score), PLANE_BINS[1] + 1)
    all_rows = np.flatnonzero(~np.isnan(score))
    code = table.domain_code[all_rows]
    rows_of = [all_rows[code == k] for k in range(len(table.domains))]
    return LengthView(
        grid=views.grid(n_tokens, score, table.domain_code, table.domains, x_edges, y_edges),
        # A median of three cells' width moves less from bin to bin than the data do.
        lines=tuple(views.bin_medians(n_tokens[part], score[part], x_edges[::3], at_least=20) for part in rows_of),
        rho=spearman(score[all_rows], table.n_tokens[all_rows]),
        rho_by_domain=tuple(spearman(score[part], table.n_tokens[part]) for part in rows_of),
    )


def by_dataset(rows: Scored) -> list[views.GroupSummary]:
    """One line a dataset: rows, response tokens, mean losses in nats per response token, quartiles of learnability."""
    table = rows.table
    return rows.kept("by dataset", lambda: views.summaries(table, table.dataset_code, table.datasets))


def by_domain(rows: Scored) -> list[views.GroupSummary]:
    """One line a domain, as `by_dataset`."""
    table = rows.table
    return rows.kept("by domain", lambda: views.summaries(table, table.domain_code, table.domains))


def by_length(rows: Scored) -> list[views.GroupSummary]:
    """One line a bin of response tokens, as `by_dataset`."""
    table = rows.table
    return rows.kept("by length", lambda: views.summaries(table, *views.length_groups(table.n_tokens)))


def doubts(rows: Scored) -> Doubts:
    """How many rows have a score that misleads."""
    return rows.kept("doubts", lambda: doubts_of(rows.table))


def value_summaries(rows: Scored, measure: str, by: Literal["domain", "dataset", "all"]) -> list[views.ValueSummary]:
    """How a measure lies in each domain, in each dataset, or in all rows."""
    table = rows.table
    code, names = {
        "domain": (table.domain_code, table.domains),
        "dataset": (table.dataset_code, table.datasets),
        "all": (np.zeros(len(table), np.int16), ("all",)),
    }[by]
    return rows.kept(("values", measure, by), lambda: views.value_summaries(values_of(table, measure), code, names))


def total(rows: Scored) -> views.GroupSummary:
    """One line for all rows."""
    table = rows.table
    everything = np.zeros(len(table), np.int16)
    return rows.kept("total", lambda: views.summaries(table, everything, ("all",))[0])


def n_within(rows: Scored, asked: BrowseFilter) -> int:
    """How many rows have the domains and lie in the ranges of a filter; its other conditions are not looked at."""
    return rows.kept(("within", asked.domains, asked.ranges), lambda: _n_within(rows.table, asked))


def _n_within(table: ScoreTable, asked: BrowseFilter) -> int:
    if not asked.domains and not asked.ranges:
        return len(table)
    inside = np.isin(table.domain_code, [table.domains.index(name) for name in asked.domains if name in table.domains])
    inside |= not asked.domains
    for name, (low, high) in asked.ranges:
        # As Browse has it: a row without a response has 0 response tokens.
        values = table.counted_tokens if name == "length" and table.is_scored else values_of(table, name)
        if low is not None:
            inside &= values >= low
        if high is not None:
            inside &= values <= high
    return int(inside.sum())
