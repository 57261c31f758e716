"""A self-test of a scoring: swap the answers of some rows, score them, and see where they rank."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lobass_core.errors import LobassError, RequestError, RunError
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_files import RunFiles, read_parquet, write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.learnability import flags
from lobass_core.learnability.measure_values import hashed_uniform
from lobass_core.project import Project
from lobass_core.records import Sample
from lobass_core.specs import ScoreSpec
from lobass_core.store.planted_rows import PlantableRow, plantable_rows, reference_columns
from lobass_core.store.scorings import Scoring
from lobass_core.workflows.planted_cost import (
    DEFAULT_SWAPS,
    LEAST_SWAPS,
    MOST_SWAPS,
    rows_to_swap,
    seconds_of,
    usable_rows,
)
from lobass_core.workflows.planted_report import PlantedReport, models_of, report
from lobass_core.workflows.resumable import check_resumable, why_not_resumable
from lobass_core.workflows.run_input import write_samples
from lobass_core.workflows.runs import STOPPED, new_run, open_run, resume_command
from lobass_core.workflows.scored import Scored, scored

KIND = "planted"
# As the worker reads it (worker/planted_job.py).
PAIRS = "pairs.parquet"
# Rows are drawn so many times over: not every one is a single question with a single answer.
_SPARE = 3

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
            f"{n_swaps:,} responses cannot be swapped", do=f"Use --planted-swaps {LEAST_SWAPS} to {MOST_SWAPS:,}."
        )
    rows = scored(project, run)
    candidates = _candidates(project, rows, n_swaps, seed)
    swaps = _without_imported([swap for group in candidates for swap in _swapped(group)], rows.table.tie_key)
    if len(swaps) < LEAST_SWAPS:
        raise RequestError(
            "too few scored rows are one question with one response, which could be swapped",
            do="Import and score more rows.",
        )
    scoring = rows.need_scoring()
    spec = PlantedRun(
        scored=_asked(scoring),
        scoring=scoring.run_id,
        render_fp=scoring.render_fp,
        models=models_of(scoring),
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
    """Launch the self-test, or the stopped run of the same one again; returns at once.

    Raises:
        RunError: the same self-test is already running.
        ReadOnlyError: the project can only be read.
    """
    run = prepare_run(project, planned)
    launch(run)
    return run


def prepare_run(project: Project, planned: PlantedPlan) -> RunFolder:
    """The run folder of the self-test, with all that its worker reads.

    Raises:
        RunError: the same self-test is already running.
        ReadOnlyError: the project can only be read.
    """
    project.require_writable()
    pairs = _pairs(planned)
    if stopped := _stopped(project, planned.spec, pairs):
        return stopped

    def prepare(new: RunFiles) -> None:
        write_samples(new.input_path, [(one.swapped, one.domain) for one in planned.swaps])
        write_parquet(new.path / PAIRS, pairs)

    with project.store() as store:
        return new_run(project, store, KIND, planned.spec, prepare)


def _pairs(planned: PlantedPlan) -> pa.Table:
    return pa.table(
        {
            "sample_id": [one.swapped.sample_id for one in planned.swaps],
            "original_id": [one.original_id for one in planned.swaps],
            "donor_id": [one.donor_id for one in planned.swaps],
            "domain": [one.domain for one in planned.swaps],
            "folds": [list(one.folds) for one in planned.swaps],
        }
    )


def _stopped(project: Project, asked: PlantedRun, pairs: pa.Table) -> RunFolder | None:
    """The latest run of the same self-test that stopped and can be resumed.

    Raises:
        RunError: it is already running.
    """
    for run in reversed(list_runs(project.runs_dir)):
        if run.spec != asked or not _has_pairs(run, pairs):
            continue
        if run.is_live():
            raise RunError(
                f"run {run.run_id} is already running this self-test",
                where=str(run.path),
                do=f"Wait for it, or stop it: lobass cancel {run.run_id}.",
            )
        if run.state() in STOPPED and not why_not_resumable(run):
            return run
    return None


def _has_pairs(run: RunFolder, pairs: pa.Table) -> bool:
    try:
        return read_parquet(run.path / PAIRS).equals(pairs)
    except (RunError, OSError):
        return False


def resume(project: Project, run_id: str) -> RunFolder:
    """Launch a stopped self-test again; shards that are there are not scored again. Returns at once.

    Raises:
        RunError: no such run, not a self-test, already running, done, or it cannot be resumed.
        ReadOnlyError: the project can only be read.
    """
    run = open_run(project, run_id)
    project.require_writable()
    run.spec_as(PlantedRun)
    check_resumable(
        run,
        is_done=run.state() == "done",
        if_done="Its result is in lobass diagnose.",
        instead=f"Start another self-test: lobass diagnose --planted-swaps {DEFAULT_SWAPS}.",
    )
    launch(run)
    return run


def plant(project: Project, planned: PlantedPlan, on_progress: OnProgress | None = None) -> PlantedReport:
    """Run the self-test to its end and report.

    Raises:
        LobassError: in the worker's words; what was scored is kept, and the same call goes on from there.
    """
    return follow_and_report(project, start(project, planned), on_progress)


def follow_and_report(project: Project, run: RunFolder, on_progress: OnProgress | None = None) -> PlantedReport:
    """Follow a run to its end and report.

    Raises:
        LobassError: in the worker's words; what was scored is kept.
    """
    try:
        follow(run, on_progress)
    except LobassError as error:
        if why_not_resumable(run):
            raise
        again = f"To score the rest: {resume_command(project, run.run_id, 'diagnose')}"
        raise type(error)(error.what, where=error.where, do=f"{error.do} {again}".strip()) from error
    return report(run, scored(project, run.spec_as(PlantedRun).scoring))


def _asked(scoring: Scoring) -> ScoreSpec:
    """The scoring's settings, without the columns that are no part of its scores."""
    members = {column.name for column in scoring.members}
    others = tuple(one for one in scoring.spec.others if one.name in members)
    # A dtype that the device decided then could be another one now.
    dtype = scoring.dtype or "auto"
    return replace(scoring.spec, datasets=(), refines="", others=others, dtype=dtype)  # type: ignore[arg-type]
