"""The recipe of a trained model, and of K folds or several seeds together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lobass_core.scoring.models import LoadedModel
from lobass_core.training.batches import padding_share
from lobass_core.training.fit import MAX_GRAD_NORM, WARMUP_SHARE, FitOutcome
from lobass_core.worker.train_material import Material


@dataclass(frozen=True, slots=True)
class Fitted:
    """One trained model with what is known of its training; losses in nats per response token of unseen samples.

    `epoch_losses` has that after each epoch, `epoch_chosen` is the one whose weights were kept.
    """

    fold: int
    loaded: LoadedModel
    learning_rate: float
    n_parameters_trained: int
    steps: list[np.ndarray]
    outcome: FitOutcome
    held_out_loss_before: float | None
    epoch_losses: dict[float, float | None]
    epoch_chosen: float
    seconds: float


def recipe_of(material: Material, fitted: Fitted) -> dict[str, Any]:
    """What made one model what it is."""
    loaded, steps, outcome = fitted.loaded, fitted.steps, fitted.outcome
    spec, table = material.spec, material.table
    return {
        "name": spec.name,
        "spec": spec.to_dict(),
        "method": spec.method,
        "base": spec.base.path,
        "seed": spec.seed,
        "template": {
            "name": material.template.name,
            "text": material.template.text,
            "tool_use": material.template.tool_use,
        },
        "mask_rule": spec.render.mask_rule,
        "max_tokens": material.max_tokens,
        "learning_rate": fitted.learning_rate,
        "schedule": "cosine",
        "warmup_share": WARMUP_SHARE,
        "max_grad_norm": MAX_GRAD_NORM,
        "weight_decay": 0.0,
        "optimizer": "adamw",
        "epochs": spec.epochs,
        "batch_tokens": spec.batch_tokens,
        "lora": {"rank": spec.lora_rank, "alpha": 2 * spec.lora_rank} if spec.method == "lora" else None,
        "weights_dtype": str(loaded.dtype).removeprefix("torch."),
        "compute_dtype": "bfloat16" if loaded.device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32",
        "device": str(loaded.device),
        "activation_checkpointing": outcome.activation_checkpointing,
        "n_parameters": loaded.n_parameters,
        "n_parameters_trained": fitted.n_parameters_trained,
        "fold": fitted.fold if spec.folds > 1 else None,
        "n_samples": len(table),
        "n_samples_trained": len(material.trained_rows(fitted.fold)),
        "n_samples_held_out": len(material.measured_rows(fitted.fold)),
        "n_samples_without_response": material.n_without_response,
        "n_samples_truncated": sum(status == "truncated" for status in table.statuses),
        "n_samples_shown": sum(len(step) for step in steps),
        "n_tokens_shown": sum(int(table.lengths[step].sum()) for step in steps),
        "padding_share": round(padding_share(steps, table.lengths), 4),
        "n_steps": outcome.n_steps,
        "losses": [{"step": step, "loss": round(loss, 5)} for step, loss in outcome.losses],
        "held_out_loss_before": fitted.held_out_loss_before,
        "held_out_loss_after": fitted.epoch_losses[fitted.epoch_chosen],
        "epoch_chosen": fitted.epoch_chosen,
        "epoch_losses": [{"epoch": epoch, "held_out_loss": loss} for epoch, loss in fitted.epoch_losses.items()],
        "seconds": round(fitted.seconds, 1),
    }


def summary_of(recipes: list[dict]) -> dict:
    """The recipe of several models of one reference: what they share, and the means of what they do not."""
    losses = ("held_out_loss_before", "held_out_loss_after")
    own = ("seed", "fold", "losses", *losses, "epoch_chosen", "epoch_losses", "seconds")
    shared = {key: value for key, value in recipes[0].items() if key not in own}
    means = {}
    for key in losses:
        values = [recipe[key] for recipe in recipes]
        means[key] = sum(values) / len(values) if None not in values else None
    folds = [{key: recipe.get(key) for key in (*own, "n_samples_trained", "n_samples_held_out")} for recipe in recipes]
    return {
        **shared,
        **means,
        "seed": recipes[0]["seed"],
        "seconds": round(sum(recipe["seconds"] for recipe in recipes), 1),
        "folds": folds,
    }
