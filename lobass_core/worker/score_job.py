"""The scoring run: tokenise once, score what is not known yet, base first, a shard at a time."""

import time
from collections.abc import Sequence

import numpy as np

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import Refusal, ScoreRunResult
from lobass_core.rendering.carried_template import carried_template
from lobass_core.rendering.notes import sentences
from lobass_core.words.plural import plural
from lobass_core.worker.carry_over import carry_over
from lobass_core.worker.outcome import all_losses, check_numbers, without_difference
from lobass_core.worker.preparation import ModelTask, Prepared, prepare, read_known
from lobass_core.worker.reporter import EndedInVain, Reporter
from lobass_core.worker.run_folds import read_folds
from lobass_core.worker.samples import read_sample_ids
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.scoring_pass import ScoringPass, Work
from lobass_core.worker.tokenising import Tokenised, tokenise

_NONE = np.zeros(0, dtype=np.int64)


def run(run: RunFolder, report: Reporter) -> ScoreRunResult:
    """Score the run's samples, and return what result.json says.

    Raises:
        LobassError: the models, the template or the samples cannot be used.
        EndedInVain: base and reference have the same losses.
        Cancelled: the run's owner asked it to stop; the losses measured so far stay.
    """
    started = time.monotonic()
    prepared = prepare(run, report)
    sample_ids = read_sample_ids(run.input_path)
    known = read_known(run, prepared.render_fp)
    folds = read_folds(prepared, sample_ids, run, report)
    mine: dict[str, set[str]] = {}
    for task in prepared.tasks:
        # Union, as a reference may be the base, or two folds the same model.
        mine.setdefault(task.fp, set()).update(folds.samples_of(task, sample_ids))
    to_do = {model_fp: samples - known.get(model_fp, set()) for model_fp, samples in mine.items()}
    needed = set().union(*to_do.values())
    tokenised = tokenise(run, report, prepared, needed, seen=set().union(*known.values()) if known else set())
    place_of = {sample_id: place for place, sample_id in enumerate(tokenised.table.sample_ids)}
    places = {
        fp: np.array(sorted(place_of[sample_id] for sample_id in samples), dtype=np.int64)
        for fp, samples in to_do.items()
    }
    carried = carry_over(run, tokenised.table, place_of, prepared.render_fp, places, report)
    works = [
        Work(
            task,
            np.setdiff1d(places[task.fp], carried.get(task.fp, _NONE), assume_unique=True),
            len(mine[task.fp]) - len(to_do[task.fp]),
            len(carried.get(task.fp, _NONE)),
        )
        for task in _distinct(prepared.tasks)
    ]
    _say_carried(report, works)
    progress = ScoreProgress(report, prepared.device)
    scored = ScoringPass(run, report, prepared, tokenised.table, progress)
    scored.score(works)
    losses = all_losses(run, prepared.render_fp, sample_ids)
    check_numbers(run, prepared, losses)
    result = _result(prepared, sample_ids, works, tokenised, progress, scored, time.monotonic() - started)
    if error := without_difference(prepared, losses):
        raise EndedInVain(result, error)
    return result


def _say_carried(report: Reporter, works: Sequence[Work]) -> None:
    n_carried, n_left = sum(work.n_carried for work in works), sum(len(work.places) for work in works)
    if n_carried:
        words = f"{n_carried:,} losses carried over from earlier runs, {n_left:,} to compute"
        print(words, flush=True)
        report.update(n_carried=n_carried, message=words)


def _distinct(tasks: Sequence[ModelTask]) -> list[ModelTask]:
    """Each model once: a reference that is the base needs no second pass."""
    return list({task.fp: task for task in reversed(tasks)}.values())[::-1]


def _result(
    prepared: Prepared,
    sample_ids: list[str],
    works: Sequence[Work],
    tokenised: Tokenised,
    progress: ScoreProgress,
    scored: ScoringPass,
    seconds: float,
) -> ScoreRunResult:
    n_computed = sum(len(work.places) for work in works)
    warnings = [*prepared.warnings, *sentences(tokenised.notes), *dict.fromkeys(scored.notes)]
    if tokenised.refusals:
        warnings.append(
            f"{plural(len(tokenised.refusals), 'sample has', 'samples have')} no response to score, "
            f"such as {tokenised.refusals[0][0][:12]}: {tokenised.refusals[0][1]}."
        )
    return ScoreRunResult(
        render_fp=prepared.render_fp,
        base=prepared.base.scored(),
        references=tuple(task.scored() for task in prepared.references),
        reference_fp=prepared.reference_fp,
        reference_name=prepared.reference_name,
        n_samples=len(sample_ids),
        n_computed=n_computed,
        n_known=sum(work.n_known for work in works),
        n_carried=sum(work.n_carried for work in works),
        n_truncated=tokenised.n_truncated,
        n_no_response=len(tokenised.refusals),
        n_dropped_response_tokens=tokenised.n_dropped_response_tokens,
        refusals=tuple(Refusal(name, reason) for name, reason in tokenised.refusals[:50]),
        template=prepared.template.label,
        template_source=prepared.template.source,
        template_reason=prepared.template.default_reason,
        chat_template=carried_template(prepared.template),
        mask_rule=prepared.spec.render.mask_rule,
        max_tokens=prepared.max_tokens,
        dtype=prepared.dtype,
        device=str(prepared.device),
        batch_tokens=scored.batch_tokens,
        padding_share=progress.padding_share,
        seconds=round(seconds, 3),
        warnings=tuple(warnings),
        others=prepared.others,
    )
