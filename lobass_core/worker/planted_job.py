"""The run of a self-test: score rows with swapped responses as the rows themselves were scored."""

import time
from typing import Any

import numpy as np

from lobass_core.errors import ModelError
from lobass_core.jobs.experiment_results import PlantedResult, PlantedRow
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.records import REFERENCE
from lobass_core.worker.outcome import all_losses
from lobass_core.worker.preparation import ModelTask, Prepared, prepare
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.scoring_pass import ScoringPass, Work
from lobass_core.worker.tokenising import tokenise

# As workflows/planted.py writes it: sample_id, original_id, donor_id, domain, and a fold for each reference.
PAIRS = "pairs.parquet"
_USABLE = ("ok", "truncated")

Pair = dict[str, Any]


def run(run: RunFolder, report: Reporter) -> PlantedResult:
    """Score the run's samples, and return their losses.

    Raises:
        LobassError: the models or the template cannot be used, or have changed since the scoring.
        Cancelled: the run's owner asked it to stop.
    """
    started = time.monotonic()
    asked = run.spec_as(PlantedRun)
    prepared = prepare(run, report, asked.scored)
    _check_unchanged(asked, prepared)
    pairs: list[Pair] = read_parquet(run.path / PAIRS).to_pylist()
    tasks_of = {pair["sample_id"]: _references_of(prepared, pair["folds"]) for pair in pairs}
    tokenised = tokenise(run, report, prepared, set(tasks_of))
    place_of = {sample_id: place for place, sample_id in enumerate(tokenised.table.sample_ids)}
    works = [
        Work(task, np.array(sorted(place_of[sample_id] for sample_id in ids), dtype=np.int64), 0)
        for task, ids in _by_task(prepared, tasks_of)
    ]
    scored = ScoringPass(run, report, prepared, tokenised.table, ScoreProgress(report, prepared.device))
    scored.score(works)
    return PlantedResult(
        _rows(run, prepared, pairs, tasks_of),
        str(prepared.device),
        round(time.monotonic() - started, 1),
        (*prepared.warnings, *dict.fromkeys(scored.notes)),
    )


def _check_unchanged(asked: PlantedRun, prepared: Prepared) -> None:
    models = (prepared.base.fp, *(task.fp for task in prepared.all_references))
    if (asked.render_fp, asked.models) == (prepared.render_fp, models):
        return
    changed = "models have" if asked.render_fp == prepared.render_fp else "template or the tokenizer has"
    raise ModelError(
        f"the {changed} changed since run {asked.scoring} scored the rows",
        where=asked.scored.base.path,
        do="Score again, then test that scoring.",
    )


def _references_of(prepared: Prepared, folds: list[int]) -> list[ModelTask]:
    """The model of each reference that scores a sample; the reference loss is their mean."""
    columns = [prepared.columns[name] for name in prepared.members or (REFERENCE,)]
    return [tasks[fold if len(tasks) > 1 else 0] for tasks, fold in zip(columns, folds, strict=True)]


def _by_task(prepared: Prepared, tasks_of: dict[str, list[ModelTask]]) -> list[tuple[ModelTask, list[str]]]:
    """The base with all samples, and each reference model with those that it scores."""
    models = {task.fp: task for tasks in tasks_of.values() for task in tasks}
    mine: dict[str, list[str]] = {fp: [] for fp in models}
    for sample_id, tasks in tasks_of.items():
        for fp in {task.fp for task in tasks}:
            mine[fp].append(sample_id)
    return [(prepared.base, list(tasks_of)), *((models[fp], ids) for fp, ids in mine.items())]


def _rows(
    run: RunFolder, prepared: Prepared, pairs: list[Pair], tasks_of: dict[str, list[ModelTask]]
) -> tuple[PlantedRow, ...]:
    means: dict[tuple[str, str], float] = {}
    n_tokens: dict[str, int] = {}
    for row in all_losses(run, prepared.render_fp, list(tasks_of)).to_pylist():
        if row["status"] in _USABLE and row["n_tokens"]:
            means[row["sample_id"], row["model_fp"]] = row["loss_sum_nats"] / row["n_tokens"]
            n_tokens[row["sample_id"]] = row["n_tokens"]

    def loss(sample_id: str, tasks: list[ModelTask]) -> float | None:
        losses = [means.get((sample_id, task.fp)) for task in tasks]
        return None if None in losses else float(np.mean(losses))  # type: ignore[arg-type]

    return tuple(
        PlantedRow(
            sample_id=pair["original_id"],
            donor_id=pair["donor_id"],
            domain=pair["domain"],
            n_tokens=n_tokens.get(pair["sample_id"], 0),
            base_loss=loss(pair["sample_id"], [prepared.base]),
            reference_loss=loss(pair["sample_id"], tasks_of[pair["sample_id"]]),
        )
        for pair in pairs
    )
