"""What a scoring run would do: rows to look at, what would be cut, what is known, how long it would take."""

import time
from dataclasses import dataclass, field, fields

import numpy as np

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import LengthHistogram, ModelForecast, PreflightResult, PreviewRow, ScoredModel
from lobass_core.records import Sample
from lobass_core.rendering.notes import counted, sentences
from lobass_core.rendering.render import Rendered
from lobass_core.scoring.engine import Engine
from lobass_core.scoring.models import load_model
from lobass_core.scoring.token_table import TokenTable
from lobass_core.worker.preparation import ModelTask, Prepared, prepare, read_folds, read_known
from lobass_core.worker.render_job import preview_row
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.samples import read_sample_ids, read_samples

# Enough rows for shares exact to a per cent, at about a minute of tokenising at most.
MOST_RENDERED = 20_000
PREVIEW_A_DOMAIN, MOST_PREVIEWED = 3, 12
N_BARS = 40
TRIAL_SECONDS = 4.0
TRIAL_TOKENS = 1024


@dataclass(slots=True)
class Look:
    """The rendered samples, and the few that are shown."""

    rendered: list[Rendered] = field(default_factory=list)
    previews: list[PreviewRow] = field(default_factory=list)
    _shown: dict[str, int] = field(default_factory=dict)

    def add(self, item: Rendered, domain: str) -> None:
        """Keep the sample, and show the first ones of each domain."""
        if self._shown.get(domain, 0) < PREVIEW_A_DOMAIN and len(self.previews) < MOST_PREVIEWED:
            self._shown[domain] = self._shown.get(domain, 0) + 1
            self.previews.append(preview_row(item, domain))
        self.rendered.append(item)


def run(run: RunFolder, report: Reporter) -> PreflightResult:
    """Look at the run's samples, and return what a person should know before scoring them.

    Raises:
        LobassError: the models or the template cannot be used: scoring would end in the same way.
    """
    prepared = prepare(run, report)
    sample_ids = read_sample_ids(run.input_path)
    known = read_known(run, prepared.render_fp)
    folds = read_folds(prepared, sample_ids, run)
    models = tuple(_forecast(task, sample_ids, folds, known) for task in (prepared.base, *prepared.references))
    look = _look(run, report, prepared, len(sample_ids))
    table = TokenTable.of(look.rendered)
    n_to_do = sum(model.n_to_do for model in models)
    rate = _trial(prepared, table, report) if n_to_do else None
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
        warnings=tuple(_warnings(prepared, look)),
        preview=tuple(look.previews),
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


def _trial(prepared: Prepared, table: TokenTable, report: Reporter) -> float | None:
    """Tokens a second of the base over a few batches of every length, in a few seconds; None without any response."""
    places = np.flatnonzero(table.lengths > 1)
    if not len(places):
        return None
    report.update(phase="timing a few batches")
    engine = Engine(load_model(prepared.base.spec, prepared.dtype, prepared.device, prepared.base.files), table)
    engine.budget_tokens = min(engine.budget_tokens, TRIAL_TOKENS)
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


def _forecast(
    task: ModelTask, sample_ids: list[str], folds: dict[str, int], known: dict[str, set[str]]
) -> ModelForecast:
    mine = [name for name in sample_ids if task.fold is None or folds[name] == task.fold]
    n_known = sum(name in known.get(task.fp, ()) for name in mine)
    model = {field.name: getattr(task.scored(), field.name) for field in fields(ScoredModel)}
    return ModelForecast(**model, n_known=n_known, n_to_do=len(mine) - n_known)


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
            f"{len(refused):,} samples have no response to score, "
            f"such as {refused[0].sample_id[:12]}: {refused[0].reason}."
        )
    return warnings
