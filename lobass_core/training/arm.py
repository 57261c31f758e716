"""One arm of an experiment: the base trained on some rows, and its loss on others."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from lobass_core.scoring.memory import fits_into_memory
from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.products import Library, compute_by
from lobass_core.scoring.token_table import TokenTable
from lobass_core.specs import ModelSpec
from lobass_core.training.batches import plan_steps
from lobass_core.training.fit import FitSettings, Pulse, fit
from lobass_core.training.held_out import loss_sums
from lobass_core.training.learning_rate import default_learning_rate
from lobass_core.training.trainable import check_finite, load_base, make_trainable
from lobass_core.validation.arm_results import ArmRecipe


@dataclass(frozen=True, slots=True, eq=False)
class ArmLosses:
    """What an arm came to: `sums` are nats over each measured response, float64[n_measured]; `answers` say of rows of
    the table whether the arm's own answer was right."""

    sums: np.ndarray
    n_steps: int
    n_tokens_shown: int
    train_seconds: float
    measure_seconds: float
    cpu_seconds: float
    dtype: str
    answers: dict[int, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArmPlace:
    """Where arms are trained: the base, the device, the library of its products, and a folder for checkpoints.

    `float32`: train and measure in it on a GPU too, so that arms of different machines compare.
    """

    base: ModelSpec
    device: torch.device
    library: Library
    checkpoints: Path
    float32: bool = False


def arm_steps(
    table: TokenTable, rows: np.ndarray, recipe: ArmRecipe, seed: int, like: np.ndarray | None = None
) -> list[np.ndarray]:
    """The rows of every optimiser step, as indices into the table; none for no rows.

    With `like`, as many steps as the recipe's epochs over those rows would take.
    """
    if not len(rows):
        return []
    rows = np.array(sorted(rows.tolist(), key=lambda row: table.sample_ids[row]), dtype=np.int64)
    epochs, n_steps = recipe.epochs, None
    if like is not None:
        n_steps = len(arm_steps(table, like, recipe, seed))
        one_epoch = max(1, len(plan_steps(table.lengths[rows], recipe.batch_tokens, 1.0, seed)))
        epochs = n_steps // one_epoch + 1
    plan = plan_steps(table.lengths[rows], recipe.batch_tokens, epochs, seed)
    return [rows[step] for step in plan[:n_steps]]


def train_arm(
    place: ArmPlace,
    table: TokenTable,
    steps: list[np.ndarray],
    measured: np.ndarray,
    recipe: ArmRecipe,
    seed: int,
    on_pulse: Callable[[Pulse], None],
    on_measured: Callable[[int], None],
    should_stop: Callable[[], bool],
    answer: Callable[[LoadedModel], dict[int, bool]] = lambda _: {},
) -> ArmLosses | None:
    """Train the base by these steps and measure it; without steps, measure the base as it is.

    `on_measured` hears of the tokens of every measured batch, and may raise; `answer` asks the trained model. None
    where `should_stop` asked for it while training: a checkpoint stays, and the same call goes on from it.

    Raises:
        LobassError: the base cannot be loaded, a step does not fit into memory, or the training diverged.
    """
    started, started_cpu = time.monotonic(), time.process_time()
    loaded = load_base(place.base, recipe.method, place.device, place.float32)
    compute_by(loaded.model, place.library)
    if steps:
        rate = recipe.learning_rate or default_learning_rate(recipe.method, loaded.n_parameters)
        # Before the LoRA matrices are drawn.
        torch.manual_seed(seed)
        make_trainable(loaded, recipe.method, recipe.lora_rank)
        compute_by(loaded.model, place.library)
        settings = FitSettings(rate, seed, float32=place.float32)
        if not fit(loaded, table, steps, settings, place.checkpoints, on_pulse, should_stop).finished:
            return None
        check_finite(loaded, rate)
    trained = time.monotonic()
    with fits_into_memory("what an arm is measured on", place.device):
        sums = loss_sums(loaded, table, measured, on_measured)
    with fits_into_memory("a batch of answers", place.device, "Or leave out --answers."):
        answers = answer(loaded)
    dtype = str(loaded.dtype).removeprefix("torch.")
    del loaded
    gc.collect()
    return ArmLosses(
        sums=sums,
        n_steps=len(steps),
        n_tokens_shown=sum(int(table.lengths[step].sum()) for step in steps),
        train_seconds=round(trained - started, 1),
        measure_seconds=round(time.monotonic() - trained, 1),
        cpu_seconds=round(time.process_time() - started_cpu, 1),
        dtype=dtype,
        answers=answers,
    )
