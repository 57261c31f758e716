"""Which of K fold models scores each sample of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from lobass_core.errors import RequestError
from lobass_core.jobs.run_files import folds_file, read_parquet, write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.records import REFERENCE
from lobass_core.similarity.folds import folds_beside
from lobass_core.similarity.near_duplicates import duplicate_groups
from lobass_core.worker.preparation import ModelTask, Prepared
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.samples import read_samples


@dataclass(frozen=True, slots=True)
class Folds:
    """Which fold model of a loss column scores a sample: the one that was not trained on it."""

    by_column: Mapping[str, Mapping[str, int]]

    def samples_of(self, task: ModelTask, sample_ids: Sequence[str]) -> list[str]:
        """The samples that a model scores, in their order."""
        if task.fold is None:
            return list(sample_ids)
        own = self.by_column[task.column]
        return [name for name in sample_ids if own[name] == task.fold]


def read_folds(prepared: Prepared, sample_ids: list[str], run: RunFolder, report: Reporter) -> Folds:
    """Fold of each sample, by column; also kept in the run folder, as the weights may be gone by the time one asks.

    A sample that was imported after the training goes to the fold of its near duplicates among the others.

    Raises:
        RequestError: an assignment names a fold that has no model.
        RunError: an assignment is missing or damaged.
    """
    assignments = {REFERENCE: prepared.spec.fold_assignment}
    assignments |= {one.name: one.fold_assignment for one in prepared.spec.others}
    by_column: dict[str, dict[str, int]] = {}
    groups: np.ndarray | None = None
    for name, tasks in prepared.columns.items():
        if len(tasks) > 1:
            assigned = _assigned(assignments[name], len(tasks))
            if groups is None and assigned and not assigned.keys() >= set(sample_ids):
                groups = _groups(run, report)
            alone = np.arange(len(sample_ids)) if groups is None else groups
            by_column[name] = folds = folds_beside(sample_ids, alone, assigned, len(tasks))
            columns = {"sample_id": pa.array(folds.keys(), pa.string()), "fold": pa.array(folds.values(), pa.int32())}
            write_parquet(run.path / folds_file(name), pa.table(columns))
    return Folds(by_column)


def _assigned(assignment: str, n_folds: int) -> dict[str, int]:
    """The fold of each sample that was there when the models were trained."""
    if not assignment:
        return {}
    table = read_parquet(Path(assignment), ["sample_id", "fold"])
    assigned = dict(zip(table["sample_id"].to_pylist(), table["fold"].to_pylist(), strict=True))
    if any(not 0 <= fold < n_folds for fold in assigned.values()):
        raise RequestError(
            f"the fold assignment names a fold that has no model among the {n_folds} references",
            where=assignment,
            do="Use one reference per fold, in their order.",
        )
    return assigned


def _groups(run: RunFolder, report: Reporter) -> np.ndarray:
    """The group of near duplicates of each of the run's samples, in their order."""
    report.update(phase="looking for near duplicates")
    texts = []
    for chunk in read_samples(run.input_path):
        report.check_cancel()
        texts += ["\n".join(turn.content for turn in sample.turns) for sample, _ in chunk]
    return duplicate_groups(texts)
