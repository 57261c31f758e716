"""The training run: render once, cut folds, train each model from the base, save its best epoch with its recipe."""

import shutil
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from lobass_core.jobs.run_files import FIRST_STEPS
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import TrainReferenceResult
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.products import compute_by
from lobass_core.training.epochs import EpochKeeper
from lobass_core.training.fit import CHECKPOINT_SECONDS, FitOutcome, FitSettings, Pulse, fit, quiet_transformers
from lobass_core.training.held_out import mean_loss
from lobass_core.training.learning_rate import default_learning_rate
from lobass_core.training.trainable import check_finite, is_finite, load_base, make_trainable, n_trainable, save
from lobass_core.words.loss_words import NATS, OF_TOKENS
from lobass_core.worker.hand_over import hand_over, handed_over, staging_folder
from lobass_core.worker.recipe import circumstances, read_recipe, write_recipe
from lobass_core.worker.reporter import Cancelled, Reporter
from lobass_core.worker.run_products import RunProducts, settle_products
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.train_material import Material, prepare_material
from lobass_core.worker.train_output import result_of, write_first_steps, write_samples
from lobass_core.worker.train_recipe import Fitted, recipe_of, summary_of


def run(run: RunFolder, report: Reporter) -> TrainReferenceResult:
    """Train the reference, and return what result.json says.

    Raises:
        LobassError: the base, the template or the samples cannot be used, or the training diverged.
        Cancelled: the run's owner asked it to stop; a checkpoint stays.
    """
    finished = handed_over(run, TrainReferenceResult)
    if finished is not None:
        return finished
    started = time.monotonic()
    quiet_transformers()
    asked = run.spec_as(TrainReferenceRun)
    spec, staging = asked.reference, staging_folder(run)
    checkpoint_seconds = CHECKPOINT_SECONDS if asked.checkpoint_seconds is None else asked.checkpoint_seconds
    materials = prepare_material(run, report, spec)
    products = settle_products(run, materials[0].device, torch.float32)
    training = _Training(run, report, materials, products, checkpoint_seconds)
    # Nobody has to be told that nothing was rejected.
    data = [{key: value for key, value in asdict(one).items() if key != "n_rejected" or value} for one in asked.data]
    recipes = []
    for member in materials:
        folder = staging / f"seed-{member.spec.seed}" if spec.seeds > 1 else staging
        recipes += _train_reference(training, member, folder, data)
    if spec.seeds > 1:
        write_recipe(staging, {**summary_of(recipes), "spec": spec.to_dict()})
    seconds = time.monotonic() - started
    return hand_over(run, result_of(asked, materials, recipes, products.warnings, seconds))


def _train_reference(training: "_Training", member: Material, folder: Path, data: list[dict]) -> list[dict]:
    """Train the models of one reference into its folder, but those that an earlier worker finished; their recipes."""
    recipes = []
    for fold in range(member.spec.folds):
        of_fold = folder / f"fold-{fold}" if member.spec.folds > 1 else folder
        recipe = read_recipe(of_fold)
        if recipe is None:
            recipe = {**training.train(member, fold, of_fold), "data": data, **circumstances()}
            write_first_steps(member, fold, of_fold / FIRST_STEPS)
            write_recipe(of_fold, recipe)
            training.drop_checkpoints(member, fold)
        else:
            training.skip(member, fold, recipe)
        recipes.append(recipe)
    write_samples(member, folder)
    if member.spec.folds > 1:
        write_recipe(folder, summary_of(recipes))
    return recipes


class _Training:
    """Trains the models of a run one after the other, each from the base, and shows how far it is."""

    def __init__(
        self, run: RunFolder, report: Reporter, materials: list[Material], products: RunProducts, seconds: float
    ) -> None:
        self.run, self.report = run, report
        self.products, self.checkpoint_seconds = products, seconds
        self.n_seeds = len(materials)
        self.progress = ScoreProgress(report, materials[0].device)
        self.slots = {
            (member.spec.seed, fold): self._enter(member, fold)
            for member in materials
            for fold in range(member.spec.folds)
        }

    def _enter(self, member: Material, fold: int) -> int:
        lengths, steps = member.table.lengths, member.steps(fold)
        return self.progress.add_model(
            f"{member.spec.name}{self._which(member, fold)}",
            "reference",
            n_known=0,
            n_to_do=sum(len(step) for step in steps),
            n_tokens=sum(int(lengths[step].sum()) for step in steps),
        )

    def _which(self, member: Material, fold: int) -> str:
        seed = f", seed {member.spec.seed}" if self.n_seeds > 1 else ""
        return seed + (f", fold {fold}" if member.spec.folds > 1 else "")

    def _counted(self, member: Material, fold: int) -> str:
        seed = f", seed {member.spec.seed}" if self.n_seeds > 1 else ""
        return seed + (f", fold {fold + 1} of {member.spec.folds}" if member.spec.folds > 1 else "")

    def skip(self, member: Material, fold: int, recipe: dict) -> None:
        """Count a model that an earlier worker finished."""
        n_samples, n_tokens = recipe["n_samples_shown"], recipe["n_tokens_shown"]
        slot = self.slots[member.spec.seed, fold]
        self.progress.advance(slot, n_samples=n_samples, n_tokens=n_tokens, resumed=True)

    def train(self, member: Material, fold: int, folder: Path) -> dict:
        """Train and save one model, and return its recipe.

        Raises:
            Cancelled: the run's owner asked it to stop; a checkpoint stays.
        """
        started = time.monotonic()
        spec, table, which = member.spec, member.table, self._counted(member, fold)
        self.report.update(phase=f"loading the base{which}")
        loaded = load_base(spec.base, spec.method, member.device)
        compute_by(loaded.model, self.products.library)
        rate = spec.learning_rate or default_learning_rate(spec.method, loaded.n_parameters)
        held_out = member.measured_rows(fold)
        self.report.update(phase=f"measuring the base{which}")
        before = mean_loss(loaded, table, held_out)
        # Before the LoRA matrices are drawn.
        torch.manual_seed(spec.seed)
        make_trainable(loaded, spec.method, spec.lora_rank)
        compute_by(loaded.model, self.products.library)
        n_trained = n_trainable(loaded)
        self.report.update(phase=f"training{which}")
        steps = member.steps(fold)
        epochs = EpochKeeper(
            self._checkpoints(member, fold) / "epochs",
            member.epoch_ends(fold),
            lambda: mean_loss(loaded, table, held_out) if is_finite(loaded) else None,
            lambda path: save(loaded, member.tokenizer, path),
            keep_all=spec.keep_epochs,
        )
        outcome = self._fit(loaded, member, steps, rate, fold, epochs)
        if not outcome.finished:
            raise Cancelled
        self.report.update(phase=f"measuring the reference{which}", message="")
        losses = epochs.with_last()
        if all(loss is None for loss in losses.values()):
            check_finite(loaded, rate)
        self.report.update(phase=f"saving{which}")
        chosen = epochs.hand_out(losses, folder)
        seconds = time.monotonic() - started
        fitted = Fitted(fold, loaded, rate, n_trained, steps, outcome, before, losses, chosen, seconds)
        return {**recipe_of(member, fitted), "products": asdict(self.products)}

    def _fit(
        self,
        loaded: LoadedModel,
        member: Material,
        steps: list[np.ndarray],
        rate: float,
        fold: int,
        epochs: EpochKeeper,
    ) -> FitOutcome:
        self.progress.restart_clock()
        # The first step of a large model takes a minute; until then it shows how many samples there are.
        self.progress.show()
        self.report.update(now=True)
        return fit(
            loaded,
            member.table,
            steps,
            FitSettings(rate, member.spec.seed, self.checkpoint_seconds),
            self._checkpoints(member, fold),
            Follower(self.report, self.progress, self.slots[member.spec.seed, fold]),
            self.run.cancel_requested,
            epochs.reached,
        )

    def drop_checkpoints(self, member: Material, fold: int) -> None:
        """Three times the size of the weights, and of no more use once they are saved."""
        shutil.rmtree(self._checkpoints(member, fold), ignore_errors=True)

    def _checkpoints(self, member: Material, fold: int) -> Path:
        name = f"seed-{member.spec.seed}-fold-{fold}" if self.n_seeds > 1 else f"fold-{fold}"
        return self.run.path / "checkpoints" / name


class Follower:
    """Turns steps into the run's progress; the first step of a resumed training counts what was done before it."""

    def __init__(self, report: Reporter, progress: ScoreProgress, slot: int) -> None:
        self.report, self.progress, self.slot = report, progress, slot
        self.n_samples = self.n_tokens = 0

    def __call__(self, pulse: Pulse) -> None:
        resumed = self.n_samples == 0 and pulse.step > 1
        self.progress.advance(
            self.slot,
            n_samples=pulse.n_samples - self.n_samples,
            n_tokens=pulse.n_tokens - self.n_tokens,
            resumed=resumed,
        )
        self.n_samples, self.n_tokens = pulse.n_samples, pulse.n_tokens
        loss = "" if pulse.loss is None else f", loss {pulse.loss:.3f} {NATS}, {OF_TOKENS}"
        self.report.update(message=f"step {pulse.step:,} of {pulse.n_steps:,}{loss}")
