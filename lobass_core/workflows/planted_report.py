"""What a finished self-test found: where rows with swapped responses rank among the imported ones."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from lobass_core.errors import LobassError
from lobass_core.jobs.experiment_results import PlantedResult, PlantedRow
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_ids import number_of
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.learnability.measure_values import values_of
from lobass_core.learnability.measures import BUILT_IN, RESPONSE_TOKENS, Measure
from lobass_core.project import Project
from lobass_core.records import BASE, REFERENCE
from lobass_core.store.planted_rows import reference_columns
from lobass_core.store.scorings import Scoring
from lobass_core.validation.planted import Swapped, SwappedRank, swapped_rank
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.scored import Scored

# A rendering, and the fingerprints of the base and of the models of each reference.
Tested = tuple[str, tuple[str, ...]]
_reports: Recent["PlantedReport"] = Recent(8)


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


def runs_of(project: Project, rows: Scored) -> list[RunFolder]:
    """The self-tests of these scores, however they stand, latest first."""
    scoring = rows.need_scoring()
    asked = scoring.render_fp, models_of(scoring)
    return [
        run
        for run in reversed(list_runs(project.runs_dir))
        if isinstance(run.spec, PlantedRun) and (run.spec.render_fp, run.spec.models) == asked
    ]


def why_not_needed(run: PlantedRun, run_id: str, finished: Mapping[Tested, str], scored: Collection[Tested]) -> str:
    """Why nothing reads this self-test any more, empty where something may.

    `finished` has the latest finished self-test of each pair of rendering and models, `scored` those of all scorings.
    """
    tested = run.render_fp, run.models
    if tested not in scored:
        return f"a self-test of run {run.scoring}, whose scores have been replaced or removed"
    later = finished.get(tested, run_id)
    return f"a self-test; run {later} is a later one of the same scores" if number_of(later) > number_of(run_id) else ""


def finished_tests(runs: Iterable[RunFolder]) -> dict[Tested, str]:
    """The latest finished self-test, by what it tested."""
    return {
        (run.spec.render_fp, run.spec.models): run.run_id
        for run in runs
        if isinstance(run.spec, PlantedRun) and run.state() == "done"
    }


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


def models_of(scoring: Scoring) -> tuple[str, ...]:
    """Fingerprints of what a self-test of the scoring scores with: the base, and the models of each reference."""
    references = [model.model_fp for column in reference_columns(scoring) for model in column.models]
    return (scoring.result.base.model_fp, *references)


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
    parts = []
    for code, name in enumerate(table.domains):
        here = np.array([row.domain == name for row in chosen], bool)
        parts.append(Swapped(sign * swapped[here], replaced[here], imported[table.domain_code == code]))
    return swapped_rank(measure.name, domain, parts)
