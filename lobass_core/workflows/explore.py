"""The scored rows of a project as arrays, and the views of them that the Learnability page draws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lobass_core.learnability import distributions as views
from lobass_core.learnability.diagnostics import LengthCheck, length_check
from lobass_core.learnability.scores import ScoreTable
from lobass_core.project import Project
from lobass_core.specs import Method
from lobass_core.store import scorings
from lobass_core.store.browse import verdict_codes
from lobass_core.store.datasets import list_datasets
from lobass_core.store.scorings import Scoring
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.row_table import leased_rows

_scored: Recent["Scored"] = Recent(3)

N_BINS = 80
PLANE_BINS = (60, 48)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One scoring's rows as they stood at one revision of one store."""

    store_path: Path
    revision: int
    scoring: Scoring
    table: ScoreTable

    @property
    def key(self) -> tuple[Path, int, int]:
        """What decides every number computed from the table: keep results under it."""
        return self.store_path, self.revision, self.scoring.scoring_id


def list_scorings(project: Project) -> list[Scoring]:
    """Every pair of models that has been scored, latest first."""
    with project.store() as store:
        return scorings.list_scorings(store.cursor())


def dataset_names(project: Project) -> list[str]:
    """Names of the imported datasets, in order of import."""
    with project.store() as store:
        return [dataset.name for dataset in list_datasets(store.cursor())]


def scored(project: Project, run: str | None = None) -> Scored:
    """The rows of the only scoring, or of the run's, with the decisions that stand; read once a revision and scoring.

    Raises:
        SelectionError: nothing is scored, or several scorings and no `run`.
        IncomparableLossesError: base and reference counted different response tokens.
    """
    with project.store() as store:
        cursor = store.cursor()
        scoring, revision = scorings.find_scoring(cursor, run), store.revision()
        key = (project.store_path, revision, scoring.scoring_id)

        def read() -> Scored:
            _scored.forget(lambda old: old[0] == key[0] and old[1] != revision)  # type: ignore[index]
            # A decision bumps the revision, but leaves the million losses as they are: only verdicts are read again.
            table = leased_rows(project, store, scoring.run_id).table
            decision = _decisions(table.sample_key, *verdict_codes(cursor))
            return Scored(project.store_path, revision, scoring, replace(table, decision=decision))

        return _scored.get(key, read)


def _decisions(sample_key: np.ndarray, decided: np.ndarray, verdict: np.ndarray) -> np.ndarray:
    """int8 a row: the verdict on its sample, 0 without one."""
    decision = np.zeros(len(sample_key), np.int8)
    if len(decided):
        order = np.argsort(decided)
        place = np.minimum(np.searchsorted(decided, sample_key, sorter=order), len(decided) - 1)
        found = order[place]
        has_one = decided[found] == sample_key
        decision[has_one] = verdict[found[has_one]]
    return decision


def score_table(project: Project, run: str | None = None) -> ScoreTable:
    """The arrays alone; see `scored`."""
    return scored(project, run).table


def distribution(
    table: ScoreTable, method: Method = "learnability", *, seed: int = 0, n_bins: int = N_BINS
) -> views.Distribution:
    """Score by domain in bins that all domains share."""
    score = table.score(method, seed)
    low, high = (0.0, 1.0) if method == "random" else views.round_axis(score)
    return views.distribution(score, table.domain_code, table.domains, np.linspace(low, high, n_bins + 1))


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """The loss plane by domain: cells, and the rows of each region as int64[domains, 4] after REGIONS."""

    grid: views.Grid
    cut: float
    known_below: float
    region_counts: np.ndarray


def plane(
    table: ScoreTable,
    *,
    cut: float,
    known_below: float = views.KNOWN_BELOW_NATS,
    against_reference: bool = False,
    bins: tuple[int, int] = PLANE_BINS,
) -> Plane:
    """Base loss (logarithmic) against learnability, or against the reference loss (logarithmic too)."""
    learnability = table.learnability()
    n_x, n_y = bins
    x_edges = np.geomspace(*views.log_axis(table.base_loss), n_x + 1)
    if against_reference:
        y, y_edges = table.reference_loss, np.geomspace(*views.log_axis(table.reference_loss), n_y + 1)
    else:
        y, y_edges = learnability, np.linspace(*views.round_axis(learnability), n_y + 1)
    region = views.regions(table.base_loss, learnability, cut=cut, known_below=known_below)
    return Plane(
        grid=views.grid(table.base_loss, y, table.domain_code, table.domains, x_edges, y_edges),
        cut=cut,
        known_below=known_below,
        region_counts=views.region_counts(region, table.domain_code, len(table.domains)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class LengthView:
    """Score against response tokens: cells by domain, the median line over all, and the rank correlations."""

    grid: views.Grid
    line: views.BinMedians
    overall: LengthCheck
    by_domain: tuple[LengthCheck, ...]


def length(table: ScoreTable, method: Method = "learnability", *, seed: int = 0) -> LengthView:
    """How the score depends on the number of response tokens."""
    score, n_tokens = table.score(method, seed), table.n_tokens.astype(np.float64)
    x_edges = np.geomspace(*views.log_axis(n_tokens), PLANE_BINS[0] + 1)
    y_edges = np.linspace(*views.round_axis(score), PLANE_BINS[1] + 1)
    all_rows = np.flatnonzero(~np.isnan(score))
    code = table.domain_code[all_rows]
    rows_of = [all_rows[code == k] for k in range(len(table.domains))]
    return LengthView(
        grid=views.grid(n_tokens, score, table.domain_code, table.domains, x_edges, y_edges),
        line=views.bin_medians(n_tokens, score, x_edges[::3]),
        overall=length_check(score, table.n_tokens, all_rows, all_rows),
        by_domain=tuple(length_check(score, table.n_tokens, rows, rows) for rows in rows_of),
    )


def by_dataset(table: ScoreTable) -> list[views.GroupSummary]:
    """One line a dataset."""
    return views.summaries(table, table.dataset_code, table.datasets)


def by_domain(table: ScoreTable) -> list[views.GroupSummary]:
    """One line a domain."""
    return views.summaries(table, table.domain_code, table.domains)


def by_length(table: ScoreTable) -> list[views.GroupSummary]:
    """One line a bin of response tokens."""
    return views.summaries(table, *views.length_groups(table.n_tokens))


Range = tuple[float | None, float | None]


def n_within(
    table: ScoreTable,
    *,
    domains: Sequence[str] = (),
    score: Range = (None, None),
    base: Range = (None, None),
    reference: Range = (None, None),
    tokens: Range = (None, None),
) -> int:
    """How many rows a brushed box holds; ranges are closed, None is open, `score` is the learnability."""
    rows = np.isin(table.domain_code, [table.domains.index(name) for name in domains if name in table.domains])
    rows |= not domains
    columns = (table.learnability(), score), (table.base_loss, base), (table.reference_loss, reference)
    for values, (low, high) in (*columns, (table.n_tokens, tokens)):
        if low is not None:
            rows &= values >= low
        if high is not None:
            rows &= values <= high
    return int(rows.sum())
