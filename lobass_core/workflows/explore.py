"""The scored rows of a project as arrays, and the views of them that the Learnability page draws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lobass_core.errors import SelectionError
from lobass_core.learnability import distributions as views
from lobass_core.learnability import regions
from lobass_core.learnability.measure_values import measure_of, measures_of, usual_measure, values_of
from lobass_core.learnability.measures import Measure
from lobass_core.learnability.ranks import spearman
from lobass_core.learnability.regions import Limits
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.store import scorings
from lobass_core.store.connection import Store
from lobass_core.store.datasets import list_datasets
from lobass_core.store.scorings import Scoring
from lobass_core.store.selections import NO_SCORING
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.doubts import Doubts, doubts_of
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.row_table import chosen_scoring, decisions_of, rows_with

_scored: Recent["Scored"] = Recent(4)
_views: Recent[Any] = Recent(24)

N_BINS = 70
PLANE_BINS = (60, 48)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One scoring's rows, of all datasets or of some, as they stood at one revision of one store.

    `scoring` is None for rows that have score columns alone.
    """

    store_path: Path
    revision: str
    scoring: Scoring | None
    table: ScoreTable
    datasets: tuple[str, ...] = ()

    @property
    def scoring_id(self) -> int:
        return self.scoring.scoring_id if self.scoring else NO_SCORING

    @property
    def run_id(self) -> str:
        """The run that scored; empty without losses."""
        return self.scoring.run_id if self.scoring else ""

    def need_scoring(self) -> Scoring:
        """The scoring, for what goes by losses.

        Raises:
            SelectionError: nothing is scored.
        """
        if self.scoring is None:
            raise SelectionError(
                "this needs losses, and nothing is scored", do="Run lobass score --base MODEL --reference MODEL first."
            )
        return self.scoring

    @property
    def key(self) -> tuple[Path, str, int, tuple[str, ...]]:
        """What decides every number computed from the table: keep results under it."""
        return self.store_path, self.revision, self.scoring_id, self.datasets


def list_scorings(project: Project) -> list[Scoring]:
    """Every pair of models that has been scored, latest first."""
    with project.store() as store:
        return scorings.list_scorings(store.cursor())


def dataset_names(project: Project) -> list[str]:
    """Names of the imported datasets, in order of import."""
    with project.store() as store:
        return [dataset.name for dataset in list_datasets(store.cursor())]


def scored(project: Project, run: str | None = None, datasets: Sequence[str] = ()) -> Scored:
    """The rows of the only scoring, or of the run's, with the decisions that stand; read once a revision and scoring.

    `table` holds arrays with one entry a row: `losses["base"]` float64[n] in nats per response token, NaN for none;
    `n_tokens` int32[n]; `domain_code` int16[n] into `domains`; `columns[NAME].values` float64[n] of a score column.
    Where nothing is scored but there are score columns, it has those alone: no losses, and no tokens are counted.

    `datasets` leaves the rows of those only (all when empty), domains without a row too.

    Raises:
        SelectionError: nothing is scored and there is no score column, several scorings and no `run`, or no such
            dataset.
        IncomparableLossesError: base and reference counted different response tokens.
    """
    with project.store() as store:
        whole = _whole(project, store, chosen_scoring(store.cursor(), run))
    return scored_within(whole, datasets)


def unscored(project: Project, datasets: Sequence[str] = ()) -> Scored:
    """The same rows with their score columns alone, whatever has been scored."""
    with project.store() as store:
        whole = _whole(project, store, None)
    return scored_within(whole, datasets)


def _whole(project: Project, store: Store, scoring: Scoring | None) -> Scored:
    revision = store.revision()
    key = (project.store_path, revision, scoring.scoring_id if scoring else NO_SCORING, ())

    def read() -> Scored:
        _scored.forget(lambda old: old[0] == key[0] and old[1] != revision)  # type: ignore[index]
        _views.forget(lambda old: old[0][0] == key[0] and old[0][1] != revision)  # type: ignore[index]
        # A decision bumps the revision, but leaves the million losses as they are: only verdicts are read again.
        rows = rows_with(project, store, scoring)
        table = replace(rows.table, decision=decisions_of(store, rows))
        return Scored(project.store_path, revision, scoring, table)

    return _scored.get(key, read)


def scored_within(rows: Scored, datasets: Sequence[str]) -> Scored:
    """The rows of these datasets of a scoring; all of them when none is named.

    Raises:
        SelectionError: no such dataset.
    """
    chosen = tuple(sorted(set(datasets)))
    if not chosen:
        return rows
    narrowed = (*rows.key[:3], chosen)
    return _scored.get(narrowed, lambda: replace(rows, table=_within(rows.table, chosen), datasets=chosen))


def _within(table: ScoreTable, datasets: tuple[str, ...]) -> ScoreTable:
    """The rows of these datasets, and the domains that they have."""
    part = table.take(table.scope(datasets))
    present = np.unique(part.domain_code)
    code = np.searchsorted(present, part.domain_code).astype(np.int16)
    return replace(part, domains=tuple(table.domains[k] for k in present), domain_code=code)


def score_table(project: Project, run: str | None = None) -> ScoreTable:
    """The arrays alone; see `scored`."""
    return scored(project, run).table


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

    return _views.get((rows.key, "distribution", measure, n_bins), make)


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

    return _views.get((rows.key, "usual limits"), make)


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
        grid=_views.get((rows.key, "plane", against_reference, bins), cells),
        limits=limits,
        region_counts=_views.get((rows.key, "regions", limits), counts),
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
    return _views.get((rows.key, "length"), lambda: _length(rows.table))


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
    return _views.get((rows.key, "by dataset"), lambda: views.summaries(table, table.dataset_code, table.datasets))


def by_domain(rows: Scored) -> list[views.GroupSummary]:
    """One line a domain, as `by_dataset`."""
    table = rows.table
    return _views.get((rows.key, "by domain"), lambda: views.summaries(table, table.domain_code, table.domains))


def by_length(rows: Scored) -> list[views.GroupSummary]:
    """One line a bin of response tokens, as `by_dataset`."""
    table = rows.table
    return _views.get((rows.key, "by length"), lambda: views.summaries(table, *views.length_groups(table.n_tokens)))


def doubts(rows: Scored) -> Doubts:
    """How many rows have a score that misleads."""
    return _views.get((rows.key, "doubts"), lambda: doubts_of(rows.table))


def value_summaries(rows: Scored, measure: str, by: Literal["domain", "dataset", "all"]) -> list[views.ValueSummary]:
    """How a measure lies in each domain, in each dataset, or in all rows."""
    table = rows.table
    code, names = {
        "domain": (table.domain_code, table.domains),
        "dataset": (table.dataset_code, table.datasets),
        "all": (np.zeros(len(table), np.int16), ("all",)),
    }[by]
    return _views.get(
        (rows.key, "values", measure, by), lambda: views.value_summaries(values_of(table, measure), code, names)
    )


def total(rows: Scored) -> views.GroupSummary:
    """One line for all rows."""
    table = rows.table
    everything = np.zeros(len(table), np.int16)
    return _views.get((rows.key, "total"), lambda: views.summaries(table, everything, ("all",))[0])


def n_within(rows: Scored, asked: BrowseFilter) -> int:
    """How many rows have the domains and lie in the ranges of a filter; its other conditions are not looked at."""
    key = (rows.key, "within", asked.domains, asked.ranges)
    return _views.get(key, lambda: _n_within(rows.table, asked))


def _n_within(table: ScoreTable, asked: BrowseFilter) -> int:
    if not asked.domains and not asked.ranges:
        return len(table)
    inside = np.isin(table.domain_code, [table.domains.index(name) for name in asked.domains if name in table.domains])
    inside |= not asked.domains
    for name, (low, high) in asked.ranges:
        # As Browse has it: a row without a response has 0 response tokens.
        values = table.n_tokens if name == "length" and table.is_scored else values_of(table, name)
        if low is not None:
            inside &= values >= low
        if high is not None:
            inside &= values <= high
    return int(inside.sum())
