"""What the scores owe to a reference that was trained on the rows that it scores, as far as the project can tell."""

from pathlib import Path
from typing import Literal

import numpy as np

from lobass_core.errors import LobassError
from lobass_core.jobs.run_files import FIRST_STEPS, read_parquet
from lobass_core.learnability.measure_values import measure_of, values_of, values_under
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.records import BASE, REFERENCE, turns_from_json
from lobass_core.similarity.near_duplicates import duplicate_groups
from lobass_core.store.datasets import sample_batches
from lobass_core.store.reference_training import is_training_known
from lobass_core.store.scorings import Scoring, list_scorings
from lobass_core.validation.training_effects import (
    CopyEffect,
    InSampleEffect,
    OrderEffect,
    copy_effect,
    in_sample_effect,
    order_effect,
)
from lobass_core.workflows.scored import Scored, scored

TrainingKnown = Literal["in-sample", "cross-fitted", ""]


def training_known(project: Project, scoring: Scoring) -> TrainingKnown:
    """Whether the reference was trained on the rows that it scores, on the other folds of them, or nobody knows."""
    if len(scoring.result.references) > 1:
        return "cross-fitted"
    with project.store() as store:
        return "in-sample" if is_training_known(store.cursor(), scoring.reference.models_fp) else ""


def another(project: Project, scoring: Scoring) -> Scoring | None:
    """The latest scoring of the same base and rendering that is cross-fitted where this one is in-sample, or back."""
    own = training_known(project, scoring)
    if not own:
        return None
    with project.store() as store:
        others = list_scorings(store.cursor())
    for other in others:
        same = (other.base.models_fp, other.render_fp) == (scoring.base.models_fp, scoring.render_fp)
        if same and training_known(project, other) not in ("", own):
            return other
    return None


def beside_another(project: Project, rows: Scored, share: float) -> tuple[str, tuple[InSampleEffect, ...]]:
    """The run of that other scoring, and what one is beside the other by domain; of the best `share` of the rows."""
    other = another(project, rows.need_scoring())
    if other is None:
        return "", ()
    table = rows.table
    own, theirs = table.losses[REFERENCE], scored(project, other.run_id).table.losses[REFERENCE]
    is_fitted = len(rows.need_scoring().result.references) > 1
    in_sample, cross_fitted = (theirs, own) if is_fitted else (own, theirs)
    effects = []
    for code, domain in enumerate(table.domains):
        of = table.domain_code == code
        effects.append(in_sample_effect(domain, table.losses[BASE][of], in_sample[of], cross_fitted[of], share))
    return other.run_id, tuple(one for one in effects if one is not None)


def of_order(project: Project, rows: Scored) -> tuple[OrderEffect, ...]:
    """By domain, where one model was trained here and its training kept when it first saw each sample."""
    steps = first_steps(rows)
    if steps is None:
        return ()
    # Of several references the first one's: the mean has seen the rows in several orders.
    table, name = rows.table, next((column.name for column in rows.need_scoring().members), REFERENCE)
    loss, score = table.losses[name], values_under(table, measure_of(table, "learnability"), name)
    effects = []
    for code, domain in enumerate(table.domains):
        of = table.domain_code == code
        effects.append(order_effect(domain, steps[of], loss[of], score[of]))
    return tuple(one for one in effects if one is not None)


def first_steps(rows: Scored) -> np.ndarray | None:
    """float64[n]: the step at which the reference first saw each row, NaN for never; None where nobody knows."""
    references = rows.need_scoring().spec.references
    path = Path(references[0].adapter or references[0].path) / FIRST_STEPS
    if len(references) != 1 or not path.is_file():
        return None
    try:
        table = read_parquet(path, ["sample_id", "first_step"])
    except LobassError:
        # The doctor names damaged files; without this one the effect is not known.
        return None
    keys = np.array([int(sample_id[:16], 16) for sample_id in table["sample_id"].to_pylist()], np.uint64)
    order = np.argsort(keys)
    return _looked_up(rows.table, keys[order], table["first_step"].to_numpy()[order].astype(np.float64))


def _looked_up(table: ScoreTable, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    if not len(keys):
        return np.full(len(table), np.nan)
    place = np.minimum(np.searchsorted(keys, table.tie_key), len(keys) - 1)
    return np.where(keys[place] == table.tie_key, values[place], np.nan)


def of_copies(project: Project, rows: Scored) -> tuple[CopyEffect, ...]:
    """The advantage of near duplicates by domain, under these scores and under the other ones of `another`."""
    groups, has_copy = near_duplicates(project, rows.table)
    other = another(project, rows.need_scoring())
    effects = []
    for one in (rows, *([scored(project, other.run_id)] if other else [])):
        score, is_fitted = values_of(one.table, "learnability"), len(one.need_scoring().result.references) > 1
        for code, domain in enumerate(one.table.domains):
            of = one.table.domain_code == code
            effects.append(copy_effect(domain, score[of], groups[of], has_copy[of], is_cross_fitted=is_fitted))
    return tuple(one for one in effects if one is not None)


def near_duplicates(project: Project, table: ScoreTable) -> tuple[np.ndarray, np.ndarray]:
    """int64[n]: the group of near duplicates of each row's sample; bool[n]: whether it has another sample in it.

    17,000 rows take about a second.
    """
    with project.store() as store:
        texts = [
            "\n".join(turn.content for turn in turns_from_json(turns))
            for batch in sample_batches(store.cursor())
            for turns in batch["turns"].to_pylist()
        ]
    groups = duplicate_groups(texts)
    has_copy = (np.bincount(groups) > 1)[groups] if len(groups) else np.zeros(0, bool)
    # Both go by the samples' keys.
    place = np.searchsorted(np.unique(table.sample_key), table.sample_key)
    return groups[place], has_copy[place]
