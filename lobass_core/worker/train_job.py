"""The training run: render once, cut folds, train each model from the base, save it with its recipe."""

import shutil
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from lobass_core.jobs.run_files import FIRST_STEPS, TRAINED_ON, write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import TrainReferenceResult
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.products import compute_by
from lobass_core.training.fit import CHECKPOINT_SECONDS, FitOutcome, FitSettings, Pulse, fit, quiet_transformers
from lobass_core.training.held_out import mean_loss
from lobass_core.training.learning_rate import default_learning_rate
from lobass_core.training.trainable import check_finite, load_base, make_trainable, n_trainable, save
from lobass_core.words.loss_words import NATS, OF_TOKENS
from lobass_core.worker.hand_over import hand_over, handed_over, staging_folder
from lobass_core.worker.recipe import circumstances, read_recipe, write_recipe
from lobass_core.worker.reporter import Cancelled, Reporter
from lobass_core.worker.run_products import RunProducts, settle_products
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.train_material import Material, prepare_material
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
    material = prepare_material(run, report, spec)
    products = settle_products(run, material.device, torch.float32)
    training = _Training(run, report, material, products, checkpoint_seconds)
    recipes = []
    for fold in range(spec.folds):
        folder = staging / f"fold-{fold}" if spec.folds > 1 else staging
        recipe = read_recipe(folder)
        if recipe is None:
            data = [asdict(dataset) for dataset in asked.data]
            recipe = {**training.train(fold, folder), "data": data, **circumstances()}
            _write_first_steps(material, fold, folder / FIRST_STEPS)
            write_recipe(folder, recipe)
            training.drop_checkpoints(fold)
        else:
            training.skip(fold, recipe)
        recipes.append(recipe)
    if spec.folds > 1:
        _write_folds(material, staging)
        write_recipe(staging, summary_of(recipes))
    else:
        _write_ids(material, material.held_out, staging / "held_out.parquet")
        _write_ids(material, material.trained_rows(0), staging / TRAINED_ON)
    return hand_over(run, _result(asked, material, recipes, products.warnings, time.monotonic() - started))


class _Training:
    """Trains the models of a run one after the other, each from the base, and shows how far it is."""

    def __init__(
        self, run: RunFolder, report: Reporter, material: Material, products: RunProducts, checkpoint_seconds: float
    ) -> None:
        self.run, self.report, self.material = run, report, material
        self.products, self.checkpoint_seconds = products, checkpoint_seconds
        self.progress = ScoreProgress(report, material.device)
        self.slots = [self._enter(fold) for fold in range(material.spec.folds)]

    def _enter(self, fold: int) -> int:
        spec, lengths, steps = self.material.spec, self.material.table.lengths, self.material.steps(fold)
        return self.progress.add_model(
            spec.name if spec.folds == 1 else f"{spec.name}, fold {fold}",
            "reference",
            n_known=0,
            n_to_do=sum(len(step) for step in steps),
            n_tokens=sum(int(lengths[step].sum()) for step in steps),
        )

    def skip(self, fold: int, recipe: dict) -> None:
        """Count a fold that an earlier worker finished."""
        n_samples, n_tokens = recipe["n_samples_shown"], recipe["n_tokens_shown"]
        self.progress.advance(self.slots[fold], n_samples=n_samples, n_tokens=n_tokens, resumed=True)

    def train(self, fold: int, folder: Path) -> dict:
        """Train and save one model, and return its recipe.

        Raises:
            Cancelled: the run's owner asked it to stop; a checkpoint stays.
        """
        started = time.monotonic()
        material, spec, table = self.material, self.material.spec, self.material.table
        which = f", fold {fold + 1} of {spec.folds}" if spec.folds > 1 else ""
        self.report.update(phase=f"loading the base{which}")
        loaded = load_base(spec.base, spec.method, material.device)
        compute_by(loaded.model, self.products.library)
        rate = spec.learning_rate or default_learning_rate(spec.method, loaded.n_parameters)
        held_out = material.measured_rows(fold)
        self.report.update(phase=f"measuring the base{which}")
        before = mean_loss(loaded, table, held_out)
        # Before the LoRA matrices are drawn.
        torch.manual_seed(spec.seed)
        make_trainable(loaded, spec.method, spec.lora_rank)
        compute_by(loaded.model, self.products.library)
        n_trained = n_trainable(loaded)
        self.report.update(phase=f"training{which}")
        steps = material.steps(fold)
        outcome = self._fit(loaded, steps, rate, fold)
        if not outcome.finished:
            raise Cancelled
        self.report.update(phase=f"measuring the reference{which}", message="")
        check_finite(loaded, rate)
        after = mean_loss(loaded, table, held_out)
        self.report.update(phase=f"saving{which}")
        save(loaded, material.tokenizer, folder)
        seconds = time.monotonic() - started
        fitted = Fitted(fold, loaded, rate, n_trained, steps, outcome, before, after, seconds)
        return {**recipe_of(material, fitted), "products": asdict(self.products)}

    def _fit(self, loaded: LoadedModel, steps: list[np.ndarray], rate: float, fold: int) -> FitOutcome:
        self.progress.restart_clock()
        return fit(
            loaded,
            self.material.table,
            steps,
            FitSettings(rate, self.material.spec.seed, self.checkpoint_seconds),
            self._checkpoints(fold),
            Follower(self.report, self.progress, self.slots[fold]),
            self.run.cancel_requested,
        )

    def drop_checkpoints(self, fold: int) -> None:
        """Three times the size of the weights, and of no more use once they are saved."""
        shutil.rmtree(self._checkpoints(fold), ignore_errors=True)

    def _checkpoints(self, fold: int) -> Path:
        return self.run.path / "checkpoints" / f"fold-{fold}"


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


def _write_folds(material: Material, folder: Path) -> None:
    ids = [material.table.sample_ids[row] for row in material.by_id]
    columns = {"sample_id": pa.array(ids, pa.string()), "fold": pa.array(material.folds[material.by_id], pa.int32())}
    write_parquet(folder / "folds.parquet", pa.table(columns))


def _write_first_steps(material: Material, fold: int, path: Path) -> None:
    """When the model first saw each sample; a reference may know late ones better than early ones."""
    steps = material.steps(fold)
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *steps])
    numbers = np.repeat(np.arange(1, len(steps) + 1), [len(step) for step in steps])
    seen, place = np.unique(rows, return_index=True)
    ids = [material.table.sample_ids[row] for row in seen]
    first = pa.array(numbers[place], pa.int32())
    write_parquet(path, pa.table({"sample_id": pa.array(ids, pa.string()), "first_step": first}))


def _write_ids(material: Material, rows: np.ndarray, path: Path) -> None:
    ids = sorted(material.table.sample_ids[row] for row in rows)
    write_parquet(path, pa.table({"sample_id": pa.array(ids, pa.string())}))


def _result(
    asked: TrainReferenceRun, material: Material, recipes: list[dict], warnings: tuple[str, ...], seconds: float
) -> TrainReferenceResult:
    spec = asked.reference
    before, after = ([recipe[key] for recipe in recipes] for key in ("held_out_loss_before", "held_out_loss_after"))
    known = [value for value in (*before, *after) if value is not None]
    return TrainReferenceResult(
        name=spec.name,
        path=asked.output_dir,
        method=spec.method,
        folds=spec.folds,
        learning_rate=recipes[0]["learning_rate"],
        template=material.template.label,
        max_tokens=material.max_tokens,
        device=str(material.device),
        n_samples=len(material.table),
        n_samples_without_response=material.n_without_response,
        n_steps=sum(recipe["n_steps"] for recipe in recipes),
        held_out_loss_before=sum(before) / len(before) if known else None,
        held_out_loss_after=sum(after) / len(after) if known else None,
        seconds=round(seconds, 1),
        warnings=warnings,
    )
