"""The recipe of a trained model, and of K folds together."""

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
    """One trained model with what is known of its training; losses in nats per response token of unseen samples."""

    fold: int
    loaded: LoadedModel
    learning_rate: float
    n_parameters_trained: int
    steps: list[np.ndarray]
    outcome: FitOutcome
    held_out_loss_before: float | None
    held_out_loss_after: float | None
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
        "held_out_loss_after": fitted.held_out_loss_after,
        "seconds": round(fitted.seconds, 1),
    }


def summary_of(recipes: list[dict]) -> dict:
    """The recipe of K folds: what they share, and the means of what they do not."""
    own = ("fold", "losses", "held_out_loss_before", "held_out_loss_after", "seconds")
    shared = {key: value for key, value in recipes[0].items() if key not in own}
    means = {
        key: sum(recipe[key] for recipe in recipes) / len(recipes)
        for key in ("held_out_loss_before", "held_out_loss_after")
    }
    folds = [{key: recipe[key] for key in (*own, "n_samples_trained", "n_samples_held_out")} for recipe in recipes]
    return {**shared, **means, "seconds": round(sum(recipe["seconds"] for recipe in recipes), 1), "folds": folds}
