"""The run of an experiment: render once, then train each planned arm and measure it on the held-out rows."""

import time
from pathlib import Path
from typing import Any

import torch

from lobass_core.errors import ModelError
from lobass_core.jobs.experiment_results import TrainedArm, ValidateResult
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.fingerprint import model_fingerprint
from lobass_core.scoring.model_files import find_model
from lobass_core.scoring.models import choose_device, load_tokenizer
from lobass_core.scoring.token_table import TokenTable
from lobass_core.training.arm import ArmPlace
from lobass_core.training.arm_lab import ArmLab, ArmOrder, measured_rows
from lobass_core.training.fit import quiet_transformers
from lobass_core.training.one_gpu import one_gpu
from lobass_core.validation.arm_results import ID_DIGITS, ArmCache, ArmRecipe, ArmResult
from lobass_core.validation.arms import BASE
from lobass_core.words.plural import plural
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.run_products import RunProducts, settle_products
from lobass_core.worker.samples import read_samples
from lobass_core.worker.validate_progress import ExperimentProgress

ARMS, MEASURED = "arms.parquet", "measured.parquet"


def run(run: RunFolder, report: Reporter) -> ValidateResult:
    """Train and measure every planned arm that is not kept yet.

    Raises:
        LobassError: the base or the template is another one than was scored, or a training diverged.
        Cancelled: the run's owner asked it to stop; finished arms are kept, and of the one at work a checkpoint.
    """
    started = time.monotonic()
    quiet_transformers()
    asked = run.spec_as(ValidateRun)
    device = choose_device(one_gpu(asked.settings.device))
    tokenizer = load_tokenizer(asked.base)
    table = _tokens(run, report, asked, device, tokenizer)
    products = settle_products(run, device, torch.float32)
    lab = _lab(run, asked, table, device, products, tokenizer)
    orders = _orders(run, asked, table)
    trained, kept, results = 0, 0, list[ArmResult]()
    arms = []
    damaged = [fault for order in orders if (fault := lab.cache.fault(lab.content_of(order)))]
    experiment = ExperimentProgress(report, run, lab, orders)
    for number, (planned, order) in enumerate(zip(asked.planned, orders, strict=True)):
        was_kept = lab.cache.has(lab.content_of(order))
        result = experiment.do(number, planned, order, was_kept)
        if planned.arm == BASE:
            experiment.ask_only(some_right(result, order))
        if not was_kept:
            trained, results = trained + 1, [*results, result]
        kept += was_kept
        arms.append(TrainedArm(number, result.content.key, was_kept))
    return ValidateResult(
        arms=tuple(arms),
        rows=orders[0].measured.digest,
        n_trained=trained,
        n_kept=kept,
        device=str(device),
        tokens_per_second=_rate(results),
        seconds=round(time.monotonic() - started, 1),
        warnings=(*products.warnings, *_mixed(lab, orders), *_trained_again(damaged)),
    )


def some_right(base: ArmResult, order: ArmOrder) -> frozenset[str]:
    """The rows to answer of the sets of which the untouched base gets some right: the others say nothing of arms."""
    right = {name for name, answer in zip(order.measured.sets, base.answers, strict=False) if answer == 1}
    set_of = dict(zip(order.measured.sample_ids, order.measured.sets, strict=True))
    return frozenset(sample_id for sample_id in order.answers if set_of[sample_id[:ID_DIGITS]] in right)


def _tokens(run: RunFolder, report: Reporter, asked: ValidateRun, device: torch.device, tokenizer: Any) -> TokenTable:
    """All samples of the experiment as tokens.

    Raises:
        ModelError: they are not the tokens that were scored.
    """
    report.update(phase="rendering", device=str(device))
    template, render = load_template(asked.render.template, tokenizer), asked.render
    renderer = Renderer(tokenizer, template, render.mask_rule, render.max_tokens, report.check_cancel)
    weights = model_fingerprint(find_model(asked.base), tokenizer_fingerprint(tokenizer), "float32").weights
    if renderer.fingerprint.fp != asked.render_fp or weights != asked.base_weights:
        changed = "base model" if weights != asked.base_weights else "template or the tokenizer"
        raise ModelError(
            f"the {changed} has changed since the rows were scored",
            where=asked.base.path,
            do="Score again, then validate that scoring.",
        )
    tables, n_done = [], 0
    for chunk in read_samples(run.input_path):
        report.check_cancel()
        tables.append(TokenTable.of(renderer.render([sample for sample, _ in chunk])))
        n_done += len(chunk)
        report.update(n_done=n_done)
    return TokenTable.concatenated(tables)


def _lab(
    run: RunFolder, asked: ValidateRun, table: TokenTable, device: torch.device, products: RunProducts, tokenizer: Any
) -> ArmLab:
    place = ArmPlace(asked.base, device, products.library, run.path / "checkpoints")
    return ArmLab(place, table, asked.base_weights, asked.render_fp, ArmCache(Path(asked.cache_dir)), tokenizer)


def _orders(run: RunFolder, asked: ValidateRun, table: TokenTable) -> list[ArmOrder]:
    arms, measured = read_parquet(run.path / ARMS), read_parquet(run.path / MEASURED)
    rows: dict[str, list[str]] = {}
    for name, sample_id in zip(arms["rows"].to_pylist(), arms["sample_id"].to_pylist(), strict=True):
        rows.setdefault(name, []).append(sample_id)
    sets = list(zip(measured["sample_id"].to_pylist(), measured["set_name"].to_pylist(), strict=True))
    own = asked.settings
    recipe = ArmRecipe(own.method, own.epochs, own.learning_rate, own.batch_tokens, own.lora_rank)
    held_out = measured_rows(table, sets)
    # Runs of before arms could answer have no such column.
    given = measured["answer"].to_pylist() if "answer" in measured.column_names else []
    answers = {sample_id: answer for (sample_id, _), answer in zip(sets, given, strict=False) if answer}
    return [
        ArmOrder(
            tuple(rows.get(one.rows, ())), held_out, recipe, one.seed, tuple(rows.get(one.like, ())), answers,
            frozenset(answers),
        )
        for one in asked.planned
    ]  # fmt: skip


def _rate(results: list[ArmResult]) -> float | None:
    seconds = sum(result.train_seconds for result in results if result.n_steps)
    return round(sum(result.n_tokens_shown for result in results) / seconds, 1) if seconds else None


def _trained_again(damaged: list[str]) -> list[str]:
    return (
        [f"{plural(len(damaged), 'kept arm was', 'kept arms were')} damaged and trained again: {damaged[0]}."]
        if damaged
        else []
    )


def _mixed(lab: ArmLab, orders: list[ArmOrder]) -> list[str]:
    """What to know where arms of one experiment were computed in different precisions."""
    kinds = sorted({lab.cache.read(lab.content_of(order)).dtype for order in orders if order.trained})
    if len(kinds) < 2:
        return []
    return [f"Arms were trained in different precisions ({', '.join(kinds)}): small differences may come from that."]
