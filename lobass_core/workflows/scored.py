"""The scored rows of a project as arrays with the decisions that stand, kept until either changes."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lobass_core.errors import SelectionError
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.store import scorings
from lobass_core.store.connection import Store
from lobass_core.store.datasets import list_datasets
from lobass_core.store.scorings import Scoring
from lobass_core.store.selections import NO_SCORING
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.row_table import chosen_scoring, decisions_of, rows_with

_scored: Recent["Scored"] = Recent(4)
_computed: Recent[Any] = Recent(24)


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

    def kept(self, what: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` computes from the table, under this name; kept until the rows change."""
        return _computed.get((self.key, what), make)


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
        _computed.forget(lambda old: old[0][0] == key[0] and old[0][1] != revision)  # type: ignore[index]
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
