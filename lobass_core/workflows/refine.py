"""Compute the losses near a cut again in float32, if a scoring used a coarser dtype.

bfloat16 keeps eight bits of every activation, which moves a mean loss by some thousandths of a nat: enough to swap rows
on both sides of a cut, and nowhere else. So only those rows are worth the exact arithmetic.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lobass_core.errors import RequestError
from lobass_core.jobs.launch import launch
from lobass_core.jobs.run_files import RunFiles
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.learnability.measures import reads_losses
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.browse import sample_ids
from lobass_core.store.datasets import sample_batches
from lobass_core.store.losses import write_known
from lobass_core.store.scorings import Scoring
from lobass_core.workflows import select as selections
from lobass_core.workflows.cut import Cut, kept_rows, open_cut
from lobass_core.workflows.reference_training import write_trained_on
from lobass_core.workflows.run_input import write_input
from lobass_core.workflows.runs import new_run
from lobass_core.workflows.score import OnProgress, follow_and_ingest

# Four times the error of a mean loss in bfloat16 at a base loss of one nat.
DEFAULT_BAND = 0.01


@dataclass(frozen=True, slots=True)
class RefineResult:
    """What changed: `n_samples` were computed again; `n_changed` of `n_kept` rows would now be others."""

    run_id: str
    selection: str
    band: float
    n_samples: int
    n_computed: int
    n_kept: int
    n_changed: int
    seconds: float | None

    def to_dict(self) -> dict:
        return asdict(self)


def refine(
    project: Project, selection: str, band: float = DEFAULT_BAND, on_progress: OnProgress | None = None
) -> RefineResult:
    """Score the rows whose score lies within `band` of a saved selection's cut again in float32.

    The scoring then has those losses in place of its own. The saved selection stays as it is until it is saved again.

    Raises:
        RequestError: the scoring is in float32 already, the selection does not go by losses, or nothing is that near.
        SelectionError: there is no such selection, or its scoring is gone.
    """
    saved, spec = selections.load(project, selection)
    scoring = selections.rows_of(project, saved).need_scoring()
    before = open_cut(project, spec, scoring.run_id)
    run = start(project, before, band)
    done = follow_and_ingest(project, run, on_progress)
    after = open_cut(project, spec, scoring.run_id)
    kept, kept_now = (set(kept_rows(cut).tolist()) for cut in (before, after))
    return RefineResult(
        run_id=run.run_id,
        selection=selection,
        band=band,
        n_samples=done.n_samples,
        n_computed=done.n_computed,
        n_kept=len(kept_now),
        n_changed=len(kept_now - kept),
        seconds=done.seconds,
    )


def start(project: Project, cut: Cut, band: float = DEFAULT_BAND) -> RunFolder:
    """Launch the run that scores the rows within `band` of a cut again; returns at once.

    Raises:
        RequestError: the scoring is in float32 already, the cut does not go by losses, or nothing is that near.
    """
    scoring = cut.rows.need_scoring()
    _check(scoring, cut.spec, band)
    rows = rows_near_cut(cut, band)
    if not len(rows):
        raise RequestError(f"no row is within {band:g} of the cut", do="Use a larger --band.")
    run = _prepare(project, scoring, cut.rows.table.sample_key[rows])
    launch(run)
    return run


def rows_near_cut(cut: Cut, band: float = DEFAULT_BAND) -> np.ndarray:
    """Table rows that compete and whose score lies within `band` of their domain's cut."""
    edges = np.array([np.nan if one.threshold is None else one.threshold for one in cut.answer.domains])
    rows = cut.scores.pool.rows.astype(np.int64)
    distance = np.abs(cut.scores.score[rows] - edges[cut.rows.table.domain_code[rows]])
    return rows[distance <= band]


def _check(scoring: Scoring, spec: SelectionSpec, band: float) -> None:
    if not 0 < band < math.inf:
        raise RequestError(f"a band of {band:g} is not a distance", do="Use a --band above 0, in units of the score.")
    if scoring.dtype == "float32":
        raise RequestError(
            f"the losses of {scoring.run_id} are already in float32",
            where=scoring.label,
            do="There is nothing to refine.",
        )
    if not reads_losses(spec.method):
        raise RequestError(f"a selection by {spec.method} does not use losses", do="Choose another selection.")


def _prepare(project: Project, scoring: Scoring, sample_keys: np.ndarray) -> RunFolder:
    spec = replace(scoring.spec, dtype="float32", datasets=(), refines=scoring.run_id)
    with project.store() as store:
        wanted = pa.array(sample_ids(store.cursor(), np.unique(sample_keys)), pa.string())

        def prepare(new: RunFiles) -> None:
            write_trained_on(project, new, spec.references)
            write_input(new, _chosen(sample_batches(store.cursor()), wanted))
            write_known(store.cursor(), new.known_path)

        return new_run(project, store, "score", spec, prepare)


def _chosen(batches: Iterator[pa.RecordBatch], sample_ids: pa.Array) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.filter(pc.is_in(batch["sample_id"], value_set=sample_ids))
