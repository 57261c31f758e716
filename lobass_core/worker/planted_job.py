"""The run of a self-test: score rows with swapped answers as the rows themselves were scored."""

import time

import numpy as np

from lobass_core.errors import ModelError
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import PlantedResult, PlantedRow
from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.worker.outcome import all_losses
from lobass_core.worker.preparation import ModelTask, Prepared, prepare
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.scoring_pass import ScoringPass, Work
from lobass_core.worker.tokenising import tokenise

# As workflows/planted.py writes it: sample_id, original_id, donor_id, domain, fold.
PAIRS = "pairs.parquet"
_USABLE = ("ok", "truncated")

Pair = dict[str, str | int]


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
    task_of = {str(pair["sample_id"]): _reference_of(prepared, int(pair["fold"])) for pair in pairs}
    tokenised = tokenise(run, report, prepared, set(task_of))
    place_of = {sample_id: place for place, sample_id in enumerate(tokenised.table.sample_ids)}
    works = [
        Work(task, np.array(sorted(place_of[sample_id] for sample_id in ids), dtype=np.int64), 0)
        for task, ids in _by_task(prepared, task_of)
    ]
    scored = ScoringPass(run, report, prepared, tokenised.table, ScoreProgress(report, prepared.device))
    scored.score(works)
    rows = _rows(run, prepared, pairs, task_of)
    return PlantedResult(
        rows,
        str(prepared.device),
        round(time.monotonic() - started, 1),
        (*prepared.warnings, *dict.fromkeys(scored.notes)),
    )


def _check_unchanged(asked: PlantedRun, prepared: Prepared) -> None:
    models = (prepared.base.fp, *(task.fp for task in prepared.references))
    if (asked.render_fp, asked.models) == (prepared.render_fp, models):
        return
    changed = "models have" if asked.render_fp == prepared.render_fp else "template or the tokenizer has"
    raise ModelError(
        f"the {changed} changed since run {asked.scoring} scored the rows",
        where=asked.scored.base.path,
        do="Score again, then test that scoring.",
    )


def _reference_of(prepared: Prepared, fold: int) -> ModelTask:
    return prepared.references[fold if len(prepared.references) > 1 else 0]


def _by_task(prepared: Prepared, task_of: dict[str, ModelTask]) -> list[tuple[ModelTask, list[str]]]:
    """The base with all samples, and each reference with those that it scores."""
    mine = {
        task.fp: [sample_id for sample_id, one in task_of.items() if one.fp == task.fp] for task in task_of.values()
    }
    references = {task.fp: task for task in task_of.values()}
    return [(prepared.base, list(task_of)), *((references[fp], ids) for fp, ids in mine.items())]


def _rows(
    run: RunFolder, prepared: Prepared, pairs: list[Pair], task_of: dict[str, ModelTask]
) -> tuple[PlantedRow, ...]:
    means: dict[tuple[str, str], float] = {}
    n_tokens: dict[str, int] = {}
    for row in all_losses(run, prepared.render_fp, list(task_of)).to_pylist():
        if row["status"] in _USABLE and row["n_tokens"]:
            means[row["sample_id"], row["model_fp"]] = row["loss_sum_nats"] / row["n_tokens"]
            n_tokens[row["sample_id"]] = row["n_tokens"]
    return tuple(
        PlantedRow(
            sample_id=str(pair["original_id"]),
            donor_id=str(pair["donor_id"]),
            domain=str(pair["domain"]),
            n_tokens=n_tokens.get(sample_id, 0),
            base_loss=means.get((sample_id, prepared.base.fp)),
            reference_loss=means.get((sample_id, task_of[sample_id].fp)),
        )
        for pair in pairs
        for sample_id in [str(pair["sample_id"])]
    )
