"""A self-test of a scoring: swap the answers of some rows, score them, and see where they rank."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow as pa

from lobass_core.errors import LobassError, RequestError
from lobass_core.jobs.experiment_results import PlantedResult, PlantedRow
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_files import RunFiles, write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.learnability import flags
from lobass_core.learnability.measure_values import hashed_uniform, values_of
from lobass_core.learnability.measures import BUILT_IN, RESPONSE_TOKENS, Measure
from lobass_core.project import Project
from lobass_core.records import BASE, REFERENCE, Sample
from lobass_core.specs import ScoreSpec
from lobass_core.store.planted_rows import PlantableRow, plantable_rows, reference_columns
from lobass_core.store.scorings import Scoring
from lobass_core.validation.planted import SwappedRank, swapped_rank
from lobass_core.workflows.planted_cost import (
    DEFAULT_SWAPS,
    LEAST_SWAPS,
    MOST_SWAPS,
    rows_to_swap,
    seconds_of,
    usable_rows,
)
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.runs import new_run
from lobass_core.workflows.score import write_samples
from lobass_core.workflows.scored import Scored, scored

KIND = "planted"
# As the worker reads it (worker/planted_job.py).
PAIRS = "pairs.parquet"
# Rows are drawn so many times over: not every one is a single question with a single answer.
_SPARE = 3
_reports: Recent["PlantedReport"] = Recent(8)

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Swap:
    """A sample with the answer of another row of its domain."""

    swapped: Sample
    original_id: str
    donor_id: str
    domain: str
    folds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlantedPlan:
    """A self-test that is not started: what it scores, and what that costs; seconds None where nothing was timed."""

    spec: PlantedRun
    swaps: tuple[Swap, ...]
    n_tokens: int
    seconds: float | None

    def by_domain(self) -> dict[str, int]:
        """Swapped rows a domain."""
        return dict(sorted(Counter(one.domain for one in self.swaps).items()))


@dataclass(frozen=True, slots=True)
class PlantedReport:
    """Where swapped rows rank, by learnability first; of all rows and of each domain."""

    run_id: str
    made_at: str
    n_swapped: int
    ranks: tuple[SwappedRank, ...]

    def of(self, measure: str, domain: str = "") -> SwappedRank | None:
        """One of the ranks; an empty domain stands for all."""
        return next((one for one in self.ranks if (one.measure, one.domain) == (measure, domain)), None)

    def to_dict(self) -> dict:
        return asdict(self)


def plan(project: Project, n_swaps: int = DEFAULT_SWAPS, run: str | None = None, seed: int = 0) -> PlantedPlan:
    """Which rows get whose answers; nothing is started.

    The swapped rows are spread evenly over the domains, at most half of a domain. Of K folds, a row gets the answer of
    a row of its own fold, which the model that scores both has not seen. The same seed draws the same rows.

    Raises:
        RequestError: too few or too many swaps, or no two rows whose answers could be swapped.
        SelectionError: nothing is scored, or several scorings and no `run`.
    """
    if not LEAST_SWAPS <= n_swaps <= MOST_SWAPS:
        raise RequestError(
            f"{n_swaps:,} answers cannot be swapped", do=f"Use --planted-swaps {LEAST_SWAPS} to {MOST_SWAPS:,}."
        )
    rows = scored(project, run)
    candidates = _candidates(project, rows, n_swaps, seed)
    swaps = _without_imported([swap for group in candidates for swap in _swapped(group)], rows.table.tie_key)
    if len(swaps) < LEAST_SWAPS:
        raise RequestError(
            "too few scored rows are a question with one answer to swap the answers of",
            do="Import and score more rows.",
        )
    scoring = rows.need_scoring()
    spec = PlantedRun(
        scored=_asked(scoring),
        scoring=scoring.run_id,
        render_fp=scoring.render_fp,
        models=_models(scoring),
        seed=seed,
    )
    table = rows.table
    chosen = np.isin(table.sample_key, [one.sample_key for group in candidates for one in group])
    chosen &= ~table.has(flags.DUPLICATE)
    n_tokens = int((table.n_tokens + table.n_prompt_tokens)[chosen].sum(dtype=np.int64))
    # Every row is read by the base and by a model of each reference.
    n_tokens *= 1 + len(reference_columns(scoring))
    return PlantedPlan(spec, tuple(swaps), n_tokens, seconds_of(project, scoring.run_id, n_tokens))


def _candidates(project: Project, rows: Scored, n_swaps: int, seed: int) -> list[list[PlantableRow]]:
    """The rows whose answers are swapped with each other, by domain and fold."""
    table, usable = rows.table, usable_rows(rows.table)
    draw = hashed_uniform(table.tie_key, seed)
    groups: list[list[PlantableRow]] = []
    with project.store() as store:
        for code, (domain, n) in enumerate(zip(table.domains, rows_to_swap(table, n_swaps), strict=True)):
            here = np.flatnonzero(usable & (table.domain_code == code))
            drawn = here[np.argsort(draw[here], kind="stable")][: n * _SPARE]
            candidates = plantable_rows(store.cursor(), rows.need_scoring(), table.sample_key[drawn], domain)[:n]
            folds = sorted({one.folds for one in candidates})
            groups += [[one for one in candidates if one.folds == fold] for fold in folds]
    return groups


def _swapped(group: list[PlantableRow]) -> list[Swap]:
    """Each row with the answer of the next one, the last with that of the first; equal answers stay where they are."""
    swaps = []
    for own, donor in zip(group, [*group[1:], *group[:1]], strict=True):
        if own.answer.content != donor.answer.content:
            swapped = Sample.of((*own.question, donor.answer), kind="chat")
            swaps.append(Swap(swapped, own.sample_id, donor.sample_id, own.domain, own.folds))
    return swaps


def _without_imported(swaps: list[Swap], tie_key: np.ndarray) -> list[Swap]:
    """Without those that made a row of the project: the same question may have had several answers."""
    ties = np.array([int(one.swapped.sample_id[:16], 16) for one in swaps], np.uint64)
    return [one for one, is_there in zip(swaps, np.isin(ties, tie_key), strict=True) if not is_there]


def start(project: Project, planned: PlantedPlan) -> RunFolder:
    """Launch the self-test; returns at once.

    Raises:
        ReadOnlyError: the project can only be read.
    """
    run = prepare_run(project, planned)
    launch(run)
    return run


def prepare_run(project: Project, planned: PlantedPlan) -> RunFolder:
    """The run folder of the self-test, with all that its worker reads."""

    def prepare(new: RunFiles) -> None:
        write_samples(new.input_path, [(one.swapped, one.domain) for one in planned.swaps])
        columns = {
            "sample_id": [one.swapped.sample_id for one in planned.swaps],
            "original_id": [one.original_id for one in planned.swaps],
            "donor_id": [one.donor_id for one in planned.swaps],
            "domain": [one.domain for one in planned.swaps],
            "folds": [list(one.folds) for one in planned.swaps],
        }
        write_parquet(new.path / PAIRS, pa.table(columns))

    with project.store() as store:
        return new_run(project, store, KIND, planned.spec, prepare)


def plant(project: Project, planned: PlantedPlan, on_progress: OnProgress | None = None) -> PlantedReport:
    """Run the self-test to its end and report.

    Raises:
        LobassError: in the worker's words.
    """
    run = start(project, planned)
    follow(run, on_progress)
    return report(run, scored(project, planned.spec.scoring))


def runs_of(project: Project, rows: Scored) -> list[RunFolder]:
    """The self-tests of these scores, however they stand, latest first."""
    scoring = rows.need_scoring()
    asked = scoring.render_fp, _models(scoring)
    return [
        run
        for run in reversed(list_runs(project.runs_dir))
        if isinstance(run.spec, PlantedRun) and (run.spec.render_fp, run.spec.models) == asked
    ]


def latest_report(project: Project, rows: Scored) -> PlantedReport | None:
    """What the latest finished self-test of these scores found; None where there was none."""
    for run in runs_of(project, rows):
        if run.result_path.is_file():
            try:
                return _kept_report(run, rows)
            except LobassError:
                # Its file is damaged, which the list of runs says: an earlier test counts.
                continue
    return None


def _kept_report(run: RunFolder, rows: Scored) -> PlantedReport:
    return _reports.get((rows.key, run.path), lambda: report(run, rows))


def _models(scoring: Scoring) -> tuple[str, ...]:
    references = [model.model_fp for column in reference_columns(scoring) for model in column.models]
    return (scoring.result.base.model_fp, *references)


def _asked(scoring: Scoring) -> ScoreSpec:
    """The scoring's settings, without the columns that are no part of its scores."""
    members = {column.name for column in scoring.members}
    others = tuple(one for one in scoring.spec.others if one.name in members)
    # A dtype that the device decided then could be another one now.
    dtype = scoring.dtype or "auto"
    return replace(scoring.spec, datasets=(), refines="", others=others, dtype=dtype)  # type: ignore[arg-type]


def report(run: RunFolder, rows: Scored) -> PlantedReport:
    """Rank a finished self-test's rows among the scored ones.

    Raises:
        RunError: the run has no result.
    """
    planted = run.read_result(PlantedResult).rows
    own = _positions(rows, planted)
    domains = ("", *(rows.table.domains if len(rows.table.domains) > 1 else ()))
    ranks = [
        rank for measure in _measures() for domain in domains if (rank := _rank(measure, domain, planted, own, rows))
    ]
    return PlantedReport(run.run_id, run.read_progress().finished_at or run.created_at, len(planted), tuple(ranks))


def _measures() -> list[Measure]:
    """Those that tell base and reference apart by two losses and a length, learnability first."""
    known = {BASE, REFERENCE, RESPONSE_TOKENS}
    return [one for one in BUILT_IN.values() if one.is_difference and known.issuperset(one.needs)]


def _positions(rows: Scored, planted: tuple[PlantedRow, ...]) -> np.ndarray:
    """int64[n]: where the row whose answer was replaced stands in the table, -1 for a row that is gone."""
    ties = rows.table.tie_key
    asked = np.array([int(row.sample_id[:16], 16) for row in planted], np.uint64)
    order = np.argsort(ties, kind="stable")
    place = order[np.minimum(np.searchsorted(ties, asked, sorter=order), len(ties) - 1)]
    return np.where(ties[place] == asked, place, -1)


def _rank(
    measure: Measure, domain: str, planted: tuple[PlantedRow, ...], own: np.ndarray, rows: Scored
) -> SwappedRank | None:
    table, sign = rows.table, 1.0 if measure.higher_is_better else -1.0
    mine = np.array([domain in ("", row.domain) for row in planted], bool)
    chosen = [row for row, is_mine in zip(planted, mine, strict=True) if is_mine]
    swapped = measure.compute(
        {
            BASE: np.array([row.base_loss for row in chosen], np.float64),
            REFERENCE: np.array([row.reference_loss for row in chosen], np.float64),
            RESPONSE_TOKENS: np.array([row.n_tokens for row in chosen], np.int64),
        }
    )
    imported = sign * values_of(table, measure.name)
    replaced = np.where(own[mine] >= 0, imported[own[mine]], np.nan)
    within = table.domain_code == table.domains.index(domain) if domain else np.ones(len(table), bool)
    return swapped_rank(measure.name, domain, sign * swapped, replaced, imported[within])
