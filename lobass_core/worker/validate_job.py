"""The run of an experiment: render once, then train each planned arm and measure it on the held-out rows."""

import time
from pathlib import Path

import torch

from lobass_core.errors import ModelError
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import TrainedArm, ValidateResult
from lobass_core.jobs.run_specs import PlannedArm, ValidateRun
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.fingerprint import model_fingerprint
from lobass_core.scoring.model_files import find_model
from lobass_core.scoring.models import choose_device, load_tokenizer
from lobass_core.scoring.token_table import TokenTable
from lobass_core.training.arm import ArmPlace
from lobass_core.training.arm_lab import ArmLab, ArmOrder, Watch, measured_rows
from lobass_core.training.fit import quiet_transformers
from lobass_core.training.one_gpu import one_gpu
from lobass_core.validation.arm_results import ArmCache, ArmRecipe, ArmResult
from lobass_core.worker.reporter import Cancelled, Reporter
from lobass_core.worker.run_products import RunProducts, settle_products
from lobass_core.worker.samples import read_samples
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.train_job import Follower

# A forward pass costs a third of a training step: measured tokens count so much in the time that is left.
TRAINING_PASSES = 3
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
    table = _tokens(run, report, asked, device)
    products = settle_products(run, device, torch.float32)
    lab = _lab(run, asked, table, device, products)
    orders = _orders(run, asked, table)
    trained, kept, results = 0, 0, list[ArmResult]()
    arms = []
    experiment = _Progress(report, run, lab, orders)
    for number, (planned, order) in enumerate(zip(asked.planned, orders, strict=True)):
        was_kept = lab.cache.has(lab.content_of(order))
        result = experiment.do(number, planned, order, was_kept)
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
        warnings=(*products.warnings, *_mixed(lab, orders)),
    )


def _tokens(run: RunFolder, report: Reporter, asked: ValidateRun, device: torch.device) -> TokenTable:
    """All samples of the experiment as tokens.

    Raises:
        ModelError: they are not the tokens that were scored.
    """
    report.update(phase="rendering", device=str(device))
    tokenizer = load_tokenizer(asked.base)
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


def _lab(run: RunFolder, asked: ValidateRun, table: TokenTable, device: torch.device, products: RunProducts) -> ArmLab:
    place = ArmPlace(asked.base, device, products.library, run.path / "checkpoints")
    return ArmLab(place, table, asked.base_weights, asked.render_fp, ArmCache(Path(asked.cache_dir)))


def _orders(run: RunFolder, asked: ValidateRun, table: TokenTable) -> list[ArmOrder]:
    arms, measured = read_parquet(run.path / ARMS), read_parquet(run.path / MEASURED)
    rows: dict[str, list[str]] = {}
    for name, sample_id in zip(arms["rows"].to_pylist(), arms["sample_id"].to_pylist(), strict=True):
        rows.setdefault(name, []).append(sample_id)
    sets = list(zip(measured["sample_id"].to_pylist(), measured["set_name"].to_pylist(), strict=True))
    own = asked.settings
    recipe = ArmRecipe(own.method, own.epochs, own.learning_rate, own.batch_tokens, own.lora_rank)
    held_out = measured_rows(table, sets)
    return [
        ArmOrder(tuple(rows.get(one.rows, ())), held_out, recipe, one.seed, tuple(rows.get(one.like, ())))
        for one in asked.planned
    ]


class _Progress:
    """Does orders one after the other and shows how far the whole experiment is."""

    def __init__(self, report: Reporter, run: RunFolder, lab: ArmLab, orders: list[ArmOrder]) -> None:
        self.report, self.run, self.lab, self.n_arms = report, run, lab, len(orders)
        self.progress = ScoreProgress(report, lab.place.device)
        lengths = lab.table.lengths
        self.n_measured = [int(lengths[lab.rows(order.measured.sample_ids)].sum()) for order in orders]
        steps = [lab.steps_of(order) for order in orders]
        self.n_shown = [sum(len(step) for step in plan) for plan in steps]
        self.n_tokens = [sum(int(lengths[step].sum()) for step in plan) for plan in steps]
        self.training = self.progress.add_model(
            "training", "reference", n_known=0, n_to_do=sum(self.n_shown), n_tokens=sum(self.n_tokens)
        )
        self.measuring = self.progress.add_model(
            "held-out rows",
            "base",
            n_known=0,
            n_to_do=sum(len(order.measured.sample_ids) for order in orders),
            n_tokens=sum(n // TRAINING_PASSES for n in self.n_measured),
        )

    def do(self, number: int, planned: PlannedArm, order: ArmOrder, was_kept: bool) -> ArmResult:
        """One arm to its end.

        Raises:
            Cancelled: the run's owner asked it to stop.
        """
        n_rows, n_read = len(order.measured.sample_ids), self.n_measured[number] // TRAINING_PASSES
        if not was_kept:
            self.report.check_cancel()
            self.report.update(phase=f"arm {number + 1} of {self.n_arms}: {label_of(planned)}", message="")
            self.progress.restart_clock()
        follower = Follower(self.report, self.progress, self.training)
        watch = Watch(follower, lambda _: self.report.check_cancel(), self.run.cancel_requested)
        result = self.lab.do(order, watch)
        if result is None:
            raise Cancelled
        if was_kept:
            n_shown, n_tokens = self.n_shown[number], self.n_tokens[number]
            self.progress.advance(self.training, n_samples=n_shown, n_tokens=n_tokens, resumed=True)
        self.progress.advance(self.measuring, n_samples=n_rows, n_tokens=n_read, resumed=was_kept)
        return result


def label_of(planned: PlannedArm) -> str:
    """The arm as progress names it."""
    draw = f", draw {planned.draw + 1}" if planned.is_drawn else ""
    return f"{planned.arm}, {planned.n_rows:,} rows{draw}, seed {planned.seed}"


def _rate(results: list[ArmResult]) -> float | None:
    seconds = sum(result.train_seconds for result in results if result.n_steps)
    return round(sum(result.n_tokens_shown for result in results) / seconds, 1) if seconds else None


def _mixed(lab: ArmLab, orders: list[ArmOrder]) -> list[str]:
    """What to know where arms of one experiment were computed in different precisions."""
    kinds = sorted({lab.cache.read(lab.content_of(order)).dtype for order in orders if order.trained})
    if len(kinds) < 2:
        return []
    return [f"Arms were trained in different precisions ({', '.join(kinds)}): small differences may come from that."]
