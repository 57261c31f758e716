"""All rows of a project as arrays that stay in memory: scores, ranks, and their distribution by domain.

A decision does not touch them; an import or a scoring run makes new ones. What is decided lies over them, as one more
array that is made anew with every decision.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from lobass_core.errors import SelectionError
from lobass_core.learnability.measure_values import measures_of, usual_measure, values_of
from lobass_core.learnability.measures import Measure
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.selection.order import rank_order
from lobass_core.store import browse as rows_of_store
from lobass_core.store.connection import Store
from lobass_core.store.datasets import list_datasets
from lobass_core.store.score_columns import column_names, score_columns
from lobass_core.store.scored_rows import score_rows
from lobass_core.store.scorings import Scoring, find_scoring, list_scorings
from lobass_core.store.standing import verdict_codes
from lobass_core.workflows.recent import Recent

RIDGE_BINS = 60


@dataclass(frozen=True, slots=True, eq=False)
class RowTable:
    """All rows of a project as arrays by row key, with ranks by their usual measure (1 is best, 0 has none).

    That is learnability; where nothing is scored the first score column, and None without one.
    """

    root: Path
    version: tuple  # of the content and the scoring: what every number computed from the table is kept under
    scoring: Scoring | None
    table: ScoreTable
    measure: Measure | None
    score: np.ndarray  # float64[n], by this measure; NaN without one
    best_first: np.ndarray  # int32[n]: positions from the best score, rows without one last
    rank: np.ndarray  # int32[n], over all rows
    rank_in_domain: np.ndarray  # int32[n]
    as_imported: np.ndarray  # int32[n]: positions by dataset, then by place in its files, which an update may change

    def values(self, name: str) -> np.ndarray:
        """float64[n] of a measure, kept for the last few.

        Raises:
            SelectionError: these rows have no such measure.
        """
        if self.measure and name == self.measure.name:
            return self.score
        return _values.get((self.root, self.version, name), lambda: values_of(self.table, name))

    @property
    def is_scored(self) -> bool:
        return self.scoring is not None

    def __len__(self) -> int:
        return len(self.table)


@dataclass(frozen=True, slots=True)
class DomainShape:
    """How the scores lie in one domain: counts in equal bins from `low` to `high`, and what lies beyond."""

    domain: str
    n_rows: int
    n_scored: int
    low: float
    high: float
    counts: tuple[int, ...]
    n_below: int
    n_above: int


# At a million rows a table is about 70 MB and 8 MB a score column, decisions are 1 MB.
_tables: Recent[RowTable] = Recent(2)
_decisions: Recent[np.ndarray] = Recent(4)
_shapes: Recent[tuple[DomainShape, ...]] = Recent(2)
# At a million rows the values of a measure are 8 MB.
_values: Recent[np.ndarray] = Recent(4)


def open_rows(project: Project, run: str | None = None) -> RowTable:
    """All rows of the project with the scores of a run; kept until rows or losses change.

    Raises:
        SelectionError: several pairs of models are scored and none is named, or `run` scored nothing.
    """
    with project.store() as store:
        return leased_rows(project, store, run)


def listed_values(rows: RowTable, name: str) -> np.ndarray:
    """The values of a measure that rows are filtered and sorted by; a row without a response has 0 response tokens,
    one that no model has read has NaN."""
    return rows.table.counted_tokens if name == "length" and rows.is_scored else rows.values(name)


def domain_shapes(rows: RowTable) -> list[DomainShape]:
    """A small distribution of the scores for each domain, over one axis without a half percent at each end."""
    return list(_shapes.get((rows.root, rows.version), lambda: _domain_shapes(rows)))


def _domain_shapes(rows: RowTable) -> tuple[DomainShape, ...]:
    finite = np.isfinite(rows.score)
    low, high = _axis(rows.score[finite])
    width = (high - low) or 1.0
    shapes = []
    for code, domain in enumerate(rows.table.domains):
        inside = rows.table.domain_code == code
        values = rows.score[inside & finite]
        bins = np.floor((values - low) / width * RIDGE_BINS).astype(np.int64)
        # The upper edge belongs to the last bin.
        bins[values == high] = RIDGE_BINS - 1
        shown = bins[(bins >= 0) & (bins < RIDGE_BINS)]
        counts = np.bincount(shown, minlength=RIDGE_BINS)
        shapes.append(
            DomainShape(
                domain=domain,
                n_rows=int(inside.sum()),
                n_scored=len(values),
                low=low,
                high=high,
                counts=tuple(counts.tolist()),
                n_below=int((bins < 0).sum()),
                n_above=int((bins >= RIDGE_BINS).sum()),
            )
        )
    return tuple(shapes)


def _axis(values: np.ndarray) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [0.005, 0.995])
    return float(low), float(high)


def leased_rows(project: Project, store: Store, run: str | None) -> RowTable:
    """As `open_rows`, from a store that is open."""
    cursor = store.cursor()
    return rows_with(project, store, find_scoring(cursor, run) if run or list_scorings(cursor) else None)


def chosen_scoring(cursor: duckdb.DuckDBPyConnection, run: str | None) -> Scoring | None:
    """The scoring that rows are measured by; None where nothing is scored, but the project has score columns.

    Raises:
        SelectionError: there is nothing to measure by, several scorings and no `run`, or no scoring of that run.
    """
    if run or list_scorings(cursor):
        return find_scoring(cursor, run)
    if not column_names(cursor):
        raise SelectionError(
            "nothing is scored yet",
            do="Run lobass score --base MODEL --reference MODEL, or lobass import-scores FILE --name NAME, first.",
        )
    return None


def rows_with(project: Project, store: Store, scoring: Scoring | None) -> RowTable:
    """All rows with the losses of a scoring, or with their score columns alone."""
    version = (store.content(), scoring and scoring.scoring_id)
    return _tables.get((project.root, version), lambda: _load(project.root, store, version, scoring))


def decisions_of(store: Store, rows: RowTable) -> np.ndarray:
    """int8[n]: 1 keep, -1 drop, 0 undecided, as decisions stand now; kept until somebody decides again."""
    key = (rows.root, rows.version, store.revision())
    return _decisions.get(key, lambda: _of_rows(rows.table.sample_key, *verdict_codes(store.cursor())))


def _of_rows(sample_key: np.ndarray, decided: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The code of each row's sample; keys are sequential, so an array by key is the fastest way."""
    by_sample = np.zeros(int(sample_key.max(initial=-1)) + 1, np.int8)
    known = decided < len(by_sample)
    by_sample[decided[known]] = codes[known]
    return by_sample[sample_key]


def _load(root: Path, store: Store, version: tuple, scoring: Scoring | None) -> RowTable:
    cursor = store.cursor()
    names = {dataset.dataset_id: dataset.name for dataset in list_datasets(cursor)}
    columns = score_rows(cursor, scoring) if scoring else rows_of_store.unscored_rows(cursor)
    table = ScoreTable.from_arrow(columns, names, score_columns(cursor))
    measure = measures_of(table).get(usual_measure(table))
    score = values_of(table, measure.name) if measure else np.full(len(table), np.nan)
    cost = -score if measure is None or measure.higher_is_better else score
    best_first = rank_order(cost, table.tie_key, table.row_key)
    ranked = best_first[: int(np.isfinite(score).sum())]
    return RowTable(
        root=root,
        version=version,
        scoring=scoring,
        table=table,
        measure=measure,
        score=score,
        best_first=best_first.astype(np.int32),
        rank=_ranks(ranked, len(table)),
        rank_in_domain=_ranks_in_domain(ranked, table),
        as_imported=_as_imported(columns["dataset_id"].to_numpy(), columns["row_index"].to_numpy()),
    )


def _as_imported(dataset_id: np.ndarray, row_index: np.ndarray) -> np.ndarray:
    same = dataset_id[1:] == dataset_id[:-1]
    if np.all((dataset_id[1:] > dataset_id[:-1]) | (same & (row_index[1:] > row_index[:-1]))):
        return np.arange(len(dataset_id), dtype=np.int32)
    return np.lexsort((row_index, dataset_id)).astype(np.int32)


def _ranks(ranked: np.ndarray, n_rows: int) -> np.ndarray:
    rank = np.zeros(n_rows, np.int32)
    rank[ranked] = np.arange(1, len(ranked) + 1, dtype=np.int32)
    return rank


def _ranks_in_domain(ranked: np.ndarray, table: ScoreTable) -> np.ndarray:
    rank = np.zeros(len(table), np.int32)
    codes = table.domain_code[ranked]
    for code in range(len(table.domains)):
        members = ranked[codes == code]
        rank[members] = np.arange(1, len(members) + 1, dtype=np.int32)
    return rank
