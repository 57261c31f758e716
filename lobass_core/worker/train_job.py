"""The training run: render once, cut folds, train each model from the base, save it with its recipe."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from lobass_core.errors import RequestError
from lobass_core.jobs.run_folder import RunFolder, write_parquet
from lobass_core.scoring.models import LoadedModel
from lobass_core.specs import TrainReferenceSpec
from lobass_core.training.batches import padding_share
from lobass_core.training.fit import (
    CHECKPOINT_SECONDS,
    MAX_GRAD_NORM,
    WARMUP_SHARE,
    FitOutcome,
    FitSettings,
    Pulse,
    fit,
    quiet_transformers,
)
from lobass_core.training.held_out import mean_loss
from lobass_core.training.learning_rate import default_learning_rate
from lobass_core.training.recipe import circumstances, read_recipe, write_recipe
from lobass_core.training.trainable import check_finite, load_base, make_trainable, n_trainable, save
from lobass_core.worker.reporter import Cancelled, Reporter
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.train_material import Material, prepare_material


def run(run: RunFolder, report: Reporter) -> dict:
    """Train the reference, and return what result.json says.

    The run's spec is a `TrainReferenceSpec` and: `output_dir`; `data`, what the recipe says of the datasets; and, if
    wanted, `checkpoint_seconds`.

    Raises:
        LobassError: the base, the template or the samples cannot be used, or the training diverged.
        Cancelled: the run's owner asked it to stop; a checkpoint stays.
    """
    started = time.monotonic()
    quiet_transformers()
    settings = dict(run.spec)
    output, data = Path(settings.pop("output_dir")), settings.pop("data", [])
    checkpoint_seconds = settings.pop("checkpoint_seconds", CHECKPOINT_SECONDS)
    spec = TrainReferenceSpec.from_dict(settings)
    staging = run.path / "model"
    material = prepare_material(run, report, spec)
    progress = ScoreProgress(report, material.device)
    slots = _enter_folds(material, progress)
    recipes = []
    for fold in range(spec.folds):
        folder = staging / f"fold-{fold}" if spec.folds > 1 else staging
        recipe = read_recipe(folder)
        if recipe is None:
            recipe = _train_fold(run, report, material, fold, folder, progress, slots[fold], checkpoint_seconds)
            recipe |= {"data": data, **circumstances()}
            write_recipe(folder, recipe)
            # Three times the size of the weights, and of no more use.
            shutil.rmtree(_checkpoints(run, fold), ignore_errors=True)
        else:
            progress.advance(
                slots[fold], n_samples=recipe["n_samples_shown"], n_tokens=recipe["n_tokens_shown"], resumed=True
            )
        recipes.append(recipe)
    if spec.folds > 1:
        _write_folds(material, staging)
        write_recipe(staging, _summary(recipes))
    else:
        _write_held_out(material, staging)
    move_into_place(staging, output)
    return _result(spec, output, material, recipes, time.monotonic() - started)


def _enter_folds(material: Material, progress: ScoreProgress) -> list[int]:
    slots = []
    for fold in range(material.spec.folds):
        steps = material.steps(fold)
        name = material.spec.name if material.spec.folds == 1 else f"{material.spec.name}, fold {fold}"
        slots.append(
            progress.add_model(
                name,
                "reference",
                n_known=0,
                n_to_do=sum(len(step) for step in steps),
                n_tokens=sum(int(material.table.lengths[step].sum()) for step in steps),
            )
        )
    return slots


def _train_fold(
    run: RunFolder,
    report: Reporter,
    material: Material,
    fold: int,
    folder: Path,
    progress: ScoreProgress,
    slot: int,
    checkpoint_seconds: float,
) -> dict:
    """Train and save one model, and return its recipe."""
    started = time.monotonic()
    spec, table = material.spec, material.table
    which = f", fold {fold + 1} of {spec.folds}" if spec.folds > 1 else ""
    report.update(phase=f"loading the base{which}")
    loaded = load_base(spec.base, spec.method, material.device)
    rate = spec.learning_rate or default_learning_rate(spec.method, loaded.n_parameters)
    held_out = material.measured_rows(fold)
    steps = material.steps(fold)
    report.update(phase=f"measuring the base{which}")
    before = mean_loss(loaded, table, held_out)
    # Before the LoRA matrices are drawn.
    torch.manual_seed(spec.seed)
    make_trainable(loaded, spec.method, spec.lora_rank)
    report.update(phase=f"training{which}")
    progress.restart_clock()
    outcome = fit(
        loaded,
        table,
        steps,
        FitSettings(rate, spec.seed, checkpoint_seconds),
        _checkpoints(run, fold),
        Follower(report, progress, slot),
        run.cancel_requested,
    )
    if not outcome.finished:
        raise Cancelled
    report.update(phase=f"measuring the reference{which}", message="")
    check_finite(loaded, rate)
    after = mean_loss(loaded, table, held_out)
    report.update(phase=f"saving{which}")
    save(loaded, material.tokenizer, folder)
    return {
        **_recipe(material, loaded, rate, steps, outcome),
        "fold": fold if spec.folds > 1 else None,
        "n_samples_trained": len(material.trained_rows(fold)),
        "n_samples_held_out": len(held_out),
        "held_out_loss_before": before,
        "held_out_loss_after": after,
        "seconds": round(time.monotonic() - started, 1),
    }


def _checkpoints(run: RunFolder, fold: int) -> Path:
    return run.path / "checkpoints" / f"fold-{fold}"


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
        loss = "" if pulse.loss is None else f", loss {pulse.loss:.3f} nats a token"
        self.report.update(message=f"step {pulse.step:,} of {pulse.n_steps:,}{loss}")


def _recipe(
    material: Material, loaded: LoadedModel, rate: float, steps: list[np.ndarray], outcome: FitOutcome
) -> dict[str, Any]:
    spec, table = material.spec, material.table
    return {
        "name": spec.name,
        "spec": spec.to_dict(),
        "method": spec.method,
        "base": spec.base.path,
        "seed": spec.seed,
        "template": {"name": material.template.name, "text": material.template.text},
        "mask_rule": spec.render.mask_rule,
        "max_tokens": material.max_tokens,
        "learning_rate": rate,
        "schedule": "cosine",
        "warmup_share": WARMUP_SHARE,
        "max_grad_norm": MAX_GRAD_NORM,
        "weight_decay": 0.0,
        "optimizer": "adamw",
        "epochs": spec.epochs,
        "budget_tokens": spec.budget_tokens,
        "lora": {"rank": spec.lora_rank, "alpha": 2 * spec.lora_rank} if spec.method == "lora" else None,
        "weights_dtype": str(loaded.dtype).removeprefix("torch."),
        "compute_dtype": "bfloat16" if loaded.device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32",
        "device": str(loaded.device),
        "activation_checkpointing": outcome.activation_checkpointing,
        "n_parameters": loaded.n_parameters,
        "n_parameters_trained": n_trainable(loaded),
        "n_samples": len(table),
        "n_samples_without_response": material.n_without_response,
        "n_samples_truncated": sum(status == "truncated" for status in table.statuses),
        "n_samples_shown": sum(len(step) for step in steps),
        "n_tokens_shown": sum(int(table.lengths[step].sum()) for step in steps),
        "padding_share": round(padding_share(steps, table.lengths), 4),
        "n_steps": outcome.n_steps,
        "losses": [{"step": step, "loss": round(loss, 5)} for step, loss in outcome.losses],
    }


def _summary(recipes: list[dict]) -> dict:
    """The recipe of K folds: what they share, and the means of what they do not."""
    own = ("fold", "losses", "held_out_loss_before", "held_out_loss_after", "seconds")
    shared = {key: value for key, value in recipes[0].items() if key not in own}
    means = {
        key: sum(recipe[key] for recipe in recipes) / len(recipes)
        for key in ("held_out_loss_before", "held_out_loss_after")
    }
    folds = [{key: recipe[key] for key in (*own, "n_samples_trained", "n_samples_held_out")} for recipe in recipes]
    return {**shared, **means, "seconds": round(sum(recipe["seconds"] for recipe in recipes), 1), "folds": folds}


def _write_folds(material: Material, folder: Path) -> None:
    ids = [material.table.sample_ids[row] for row in material.by_id]
    columns = {"sample_id": pa.array(ids, pa.string()), "fold": pa.array(material.folds[material.by_id], pa.int32())}
    write_parquet(folder / "folds.parquet", pa.table(columns))


def _write_held_out(material: Material, folder: Path) -> None:
    ids = sorted(material.table.sample_ids[row] for row in material.held_out)
    write_parquet(folder / "held_out.parquet", pa.table({"sample_id": pa.array(ids, pa.string())}))


def move_into_place(staging: Path, output: Path) -> None:
    """Rename the finished folder to the reference's name, in one step.

    Raises:
        RequestError: a reference of that name was made in the meantime.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.exists():
        raise RequestError(
            f"there is a reference {output.name!r} already", where=str(output), do="Train under another --name."
        )
    staging.replace(output)


def _result(
    spec: TrainReferenceSpec, output: Path, material: Material, recipes: list[dict], seconds: float
) -> dict[str, Any]:
    before, after = ([recipe[key] for recipe in recipes] for key in ("held_out_loss_before", "held_out_loss_after"))
    known = [value for value in (*before, *after) if value is not None]
    return {
        "name": spec.name,
        "path": str(output),
        "method": spec.method,
        "folds": spec.folds,
        "learning_rate": recipes[0]["learning_rate"],
        "template": material.template.name,
        "max_tokens": material.max_tokens,
        "device": str(material.device),
        "n_samples": len(material.table),
        "n_samples_without_response": material.n_without_response,
        "n_steps": sum(recipe["n_steps"] for recipe in recipes),
        "held_out_loss_before": sum(before) / len(before) if known else None,
        "held_out_loss_after": sum(after) / len(after) if known else None,
        "seconds": round(seconds, 1),
    }
