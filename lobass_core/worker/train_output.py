"""What a training leaves beside its models: who was trained on what, and the run's result."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from lobass_core.jobs.run_files import TRAINED_ON, write_parquet
from lobass_core.jobs.run_results import EpochLoss, TrainedModel, TrainReferenceResult
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.words.plural import plural
from lobass_core.worker.train_material import Material


def write_samples(material: Material, folder: Path) -> None:
    """The fold of each sample, or for one model the samples that it was trained on and those held out."""
    if material.spec.folds == 1:
        _write_ids(material, material.held_out, folder / "held_out.parquet")
        _write_ids(material, material.trained_rows(0), folder / TRAINED_ON)
        return
    ids = [material.table.sample_ids[row] for row in material.by_id]
    columns = {"sample_id": pa.array(ids, pa.string()), "fold": pa.array(material.folds[material.by_id], pa.int32())}
    write_parquet(folder / "folds.parquet", pa.table(columns))


def write_first_steps(material: Material, fold: int, path: Path) -> None:
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


def result_of(
    asked: TrainReferenceRun,
    materials: Sequence[Material],
    recipes: Sequence[dict],
    warnings: tuple[str, ...],
    seconds: float,
) -> TrainReferenceResult:
    """What result.json says of the run; `recipes` has one of each model, in the order of training."""
    spec, material = asked.reference, materials[0]
    before, after = ([recipe[key] for recipe in recipes] for key in ("held_out_loss_before", "held_out_loss_after"))
    known = [value for value in (*before, *after) if value is not None]
    models = tuple(
        TrainedModel(
            seed=recipe["seed"],
            fold=recipe["fold"],
            epoch=recipe.get("epoch_chosen", spec.epochs),
            epochs=tuple(EpochLoss(**one) for one in recipe.get("epoch_losses", ())),
        )
        for recipe in recipes
    )
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
        warnings=(*warnings, *_doubts(asked, before, after)),
        seeds=spec.seeds,
        models=models,
    )


def _doubts(asked: TrainReferenceRun, before: Sequence[float | None], after: Sequence[float | None]) -> list[str]:
    doubts = [
        f"{plural(data.n_rejected, 'row')} of {data.name} could not be read and took no part in the training."
        for data in asked.data
        if data.n_rejected
    ]
    n_worse = sum(
        one is not None and other is not None and other >= one for one, other in zip(before, after, strict=True)
    )
    if n_worse:
        which = "The reference has" if len(before) == 1 else f"{n_worse} of the {len(before)} models have"
        doubts.append(
            f"{which} no lower loss on held-out samples than the base. Its scores will say little: train with another "
            "learning rate, on more rows, or with fewer epochs."
        )
    return doubts
