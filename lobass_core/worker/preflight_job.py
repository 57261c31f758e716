"""What a scoring run would do: rows to look at, what would be cut, what is known, how long it would take."""

import time
from collections import Counter
from dataclasses import dataclass, field, fields

import numpy as np

from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import (
    ChanceCheck,
    LengthHistogram,
    ModelForecast,
    PreflightResult,
    PreviewRow,
    ScoredModel,
)
from lobass_core.learnability.flags import UNSEEN_SHARE
from lobass_core.records import BASE, REFERENCE, Sample
from lobass_core.rendering.notes import counted, sentences
from lobass_core.rendering.render import Rendered
from lobass_core.scoring.engine import Engine
from lobass_core.scoring.token_table import TokenTable
from lobass_core.words.plural import plural
from lobass_core.worker.carry_over import LOOKING, find_carried, n_token_rows
from lobass_core.worker.chance_check import check_chance
from lobass_core.worker.model_cache import ModelCache
from lobass_core.worker.preparation import ModelTask, Prepared, prepare, read_known
from lobass_core.worker.render_job import preview_row
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.run_folds import Folds, read_folds
from lobass_core.worker.samples import read_sample_ids, read_samples

# Enough rows for shares exact to a per cent, at about a minute of tokenising at most.
MOST_RENDERED = 20_000
PREVIEW_A_DOMAIN, MOST_PREVIEWED = 3, 12
N_BARS = 40
# Read and hashed in some seconds.
MOST_TOKEN_ROWS = 200_000
_NOT_COUNTED = "Losses from earlier runs with another rendering may be carried over; this estimate does not count them."
TRIAL_SECONDS = 4.0
TRIAL_TOKENS = 1024


@dataclass(slots=True)
class Look:
    """The rendered samples, and the few that are shown."""

    rendered: list[Rendered] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    previews: list[PreviewRow] = field(default_factory=list)
    _shown: dict[str, int] = field(default_factory=dict)

    def add(self, item: Rendered, domain: str) -> None:
        """Keep the sample, and show the first ones of each domain."""
        if self._shown.get(domain, 0) < PREVIEW_A_DOMAIN and len(self.previews) < MOST_PREVIEWED:
            self._shown[domain] = self._shown.get(domain, 0) + 1
            self.previews.append(preview_row(item, domain))
        self.rendered.append(item)
        self.domains.append(domain)


def run(run: RunFolder, report: Reporter) -> PreflightResult:
    """Look at the run's samples, and return what a person should know before scoring them.

    Raises:
        LobassError: the models or the template cannot be used: scoring would end in the same way.
    """
    prepared = prepare(run, report)
    sample_ids = read_sample_ids(run.input_path)
    known = read_known(run, prepared.render_fp)
    folds = read_folds(prepared, sample_ids, run, report)
    look = _look(run, report, prepared, len(sample_ids))
    table = TokenTable.of(look.rendered)
    carried = _shares_carried(run, report, prepared, table, folds, known)
    models = tuple(
        _forecast(task, sample_ids, folds, known, (carried or {}).get(task.fp, 0.0)) for task in _listed(prepared)
    )
    n_to_do = sum(model.n_to_do for model in models)
    rate, chance = _trial(prepared, look, table, report) if n_to_do else (None, None)
    n_unseen = _n_unseen(run, sample_ids, look)
    mean_tokens = float(table.lengths.mean()) if len(table) else 0.0
    scale = len(sample_ids) / max(1, len(table))
    return PreflightResult(
        n_samples=len(sample_ids),
        n_looked_at=len(table),
        models=models,
        render_fp=prepared.render_fp,
        template=prepared.template.label,
        template_source=prepared.template.source,
        template_reason=prepared.template.default_reason,
        mask_rule=prepared.spec.render.mask_rule,
        max_tokens=prepared.max_tokens,
        dtype=prepared.dtype,
        device=str(prepared.device),
        n_truncated=round(scale * sum(item.status == "truncated" for item in look.rendered)),
        n_no_response=round(scale * sum(item.status == "no_response" for item in look.rendered)),
        n_dropped_response_tokens=round(scale * sum(item.n_dropped_response_tokens for item in look.rendered)),
        n_response_tokens=round(scale * sum(item.n_response_tokens for item in look.rendered)),
        mean_tokens=round(mean_tokens, 1),
        length_histogram=_histogram(look.rendered),
        tokens_per_second=rate,
        forecast_seconds=n_to_do * mean_tokens / rate if rate else 0.0,
        vocabulary="the same vocabulary",
        warnings=(
            *_warnings(prepared, look),
            *_doubts(prepared, chance, n_unseen, len(sample_ids)),
            *([] if carried is not None else [_NOT_COUNTED]),
        ),
        preview=tuple(look.previews),
        chance=chance,
        n_unseen=n_unseen,
    )


def _look(run: RunFolder, report: Reporter, prepared: Prepared, n_samples: int) -> Look:
    """Render every sample, or evenly spaced ones of very many."""
    step = -(-n_samples // MOST_RENDERED) or 1
    report.update(phase="rendering", n_done=0, n_total=-(-n_samples // step))
    look, place = Look(), 0
    for chunk in read_samples(run.input_path, ("domain",)):
        report.check_cancel()
        chosen: list[tuple[Sample, dict]] = []
        for row in chunk:
            if place % step == 0:
                chosen.append(row)
            place += 1
        rendered = prepared.renderer.render([sample for sample, _ in chosen])
        for item, (_, extra) in zip(rendered, chosen, strict=True):
            look.add(item, extra["domain"] or "")
        report.update(n_done=len(look.rendered))
    return look


def _trial(
    prepared: Prepared, look: Look, table: TokenTable, report: Reporter
) -> tuple[float | None, ChanceCheck | None]:
    """Tokens a second of the base, and whether it reads the responses; None without any response."""
    places = np.flatnonzero(table.lengths > 1)
    if not len(places):
        return None, None
    report.update(phase="timing a few batches")
    engine = Engine(ModelCache(prepared.dtype, prepared.device, prepared.library).take(prepared.base), table)
    engine.batch_tokens = min(engine.batch_tokens, TRIAL_TOKENS)
    rate = _rate(engine, places, report)
    return rate, check_chance(engine, look.domains, prepared.base.vocabulary_size, report)


def _rate(engine: Engine, places: np.ndarray, report: Reporter) -> float:
    """Tokens a second over a few batches of every length, in a few seconds."""
    table = engine.table
    by_length = places[np.argsort(table.lengths[places], kind="stable")]
    # The middle first: it also warms up; then the two quarters, which stand for the long and the short.
    n_tokens, seconds = 0, 0.0
    for attempt, share in enumerate((0.5, 0.25, 0.75, 0.5)):
        middle = int(share * (len(by_length) - 1))
        width = max(1, TRIAL_TOKENS // int(table.lengths[by_length[middle]]))
        order = by_length[middle : middle + width][::-1]
        started = time.monotonic()
        for _ in engine.score(order):
            report.check_cancel()
        took = time.monotonic() - started
        if attempt == 0 and took < TRIAL_SECONDS:
            continue
        n_tokens, seconds = n_tokens + int(table.lengths[order].sum()), seconds + took
        if seconds > TRIAL_SECONDS:
            break
    return n_tokens / seconds


def _shares_carried(
    run: RunFolder,
    report: Reporter,
    prepared: Prepared,
    table: TokenTable,
    folds: Folds,
    known: dict[str, set[str]],
) -> dict[str, float] | None:
    """By model, the share of the losses to do that earlier runs have under another rendering.

    None where reading their tokens would take long; the scoring itself looks for them all the same.
    """
    tasks = prepared.tasks
    report.update(phase=LOOKING, n_done=0, n_total=0)
    if n_token_rows(run, {task.fp for task in tasks}, prepared.render_fp) > MOST_TOKEN_ROWS:
        return None
    to_do = {task.fp: np.array(_places_to_do(task, table, folds, known), dtype=np.int64) for task in tasks}
    plan = find_carried(run, table, prepared.render_fp, to_do, report)
    counts = Counter(plan["model_fp"].to_pylist())
    return {fp: counts[fp] / len(places) for fp, places in to_do.items() if len(places)}


def _places_to_do(task: ModelTask, table: TokenTable, folds: Folds, known: dict[str, set[str]]) -> list[int]:
    own, mine = known.get(task.fp, ()), set(folds.samples_of(task, table.sample_ids))
    return [place for place, name in enumerate(table.sample_ids) if name not in own and name in mine]


def _listed(prepared: Prepared) -> list[ModelTask]:
    """Base and reference, and what else is scored with models of its own: the best epoch is the reference again."""
    listed: list[ModelTask] = []
    for task in prepared.tasks:
        if task.column in (BASE, REFERENCE) or task.fp not in {one.fp for one in listed}:
            listed.append(task)
    return listed


def _forecast(
    task: ModelTask, sample_ids: list[str], folds: Folds, known: dict[str, set[str]], share_carried: float
) -> ModelForecast:
    mine = folds.samples_of(task, sample_ids)
    n_known = sum(name in known.get(task.fp, ()) for name in mine)
    n_carried = round(share_carried * (len(mine) - n_known))
    model = {field.name: getattr(task.scored(), field.name) for field in fields(ScoredModel)}
    return ModelForecast(**model, n_known=n_known, n_carried=n_carried, n_to_do=len(mine) - n_known - n_carried)


def _n_unseen(run: RunFolder, sample_ids: list[str], look: Look) -> int | None:
    """How many samples with a response the reference was not trained on; None where that is not known."""
    if not run.trained_on_path.is_file():
        return None
    trained_on = set(read_parquet(run.trained_on_path, ["sample_id"])["sample_id"].to_pylist())
    without = {item.sample_id for item in look.rendered if item.status == "no_response"}
    return sum(sample_id not in trained_on and sample_id not in without for sample_id in sample_ids)


def _doubts(prepared: Prepared, chance: ChanceCheck | None, n_unseen: int | None, n_samples: int) -> list[str]:
    """Why scores would mislead."""
    doubts = []
    if chance and chance.n_worse:
        where = ", ".join(f"{one.n_worse:,} of {one.n_rows:,} in {one.domain or 'no domain'}"
                          for one in chance.domains if one.n_worse)  # fmt: skip
        doubts.append(
            f"The base is worse than chance on {chance.n_worse:,} of {chance.n_rows:,} tested rows ({where}): their "
            "scores would not be meaningful. Check the template, and whether the base knows the language."
        )
    if n_unseen and n_unseen > UNSEEN_SHARE * n_samples:
        name = prepared.reference_name
        doubts.append(
            f"{name} was not trained on {n_unseen:,} of the {n_samples:,} samples, and this alone would lower their "
            "scores. Train a new reference on all rows, or one with folds, which scores every row with a model that "
            "was not trained on it."
        )
    return doubts


def _histogram(rendered: list[Rendered]) -> LengthHistogram:
    """Tokens a sample before anything is cut."""
    sizes = np.array([len(item.input_ids) + item.n_dropped_tokens for item in rendered])
    if not len(sizes):
        return LengthHistogram()
    counts, edges = np.histogram(sizes, bins=min(N_BARS, max(1, int(sizes.max()))), range=(0, int(sizes.max())))
    return LengthHistogram(tuple(edges.tolist()), tuple(counts.tolist()))


def _warnings(prepared: Prepared, look: Look) -> list[str]:
    warnings = list(prepared.warnings)
    warnings += sentences(counted(item.notes for item in look.rendered))
    refused = [item for item in look.rendered if item.status == "no_response"]
    if refused:
        warnings.append(
            f"{plural(len(refused), 'sample has', 'samples have')} no response to score, "
            f"such as {refused[0].sample_id[:12]}: {refused[0].reason}."
        )
    return warnings
