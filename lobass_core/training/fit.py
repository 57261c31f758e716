"""Run the optimiser steps: transformers' Trainer over planned batches, with checkpoints, cancel and exact resume."""

import gc
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments, logging, set_seed

from lobass_core.scoring.engine import keep_freed_memory
from lobass_core.scoring.memory import fits_into_memory
from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.token_table import TokenTable
from lobass_core.training.response_loss import IGNORED, micro_batches, n_targets, response_loss_sum

# A checkpoint holds weights and optimiser (three times the weights): once a minute, and never more than about 5 % of
# the time.
CHECKPOINT_SECONDS = 60.0
MOST_TIME_SAVING = 0.05
N_LOGGED = 100
WARMUP_SHARE = 0.03
MAX_GRAD_NORM = 1.0
# Recomputing activations costs a third more compute; below this size memory is not what limits.
CHECKPOINT_ACTIVATIONS_FROM = 1_000_000_000
# Tokens that go forward and back together on a CPU; a step adds up the gradients of several. More would keep more
# activations (a 135M Llama: about 2 MB a token) and no longer fit the caches.
MOST_TOKENS_CPU = 1024


@dataclass(frozen=True, slots=True)
class FitSettings:
    """What the optimiser needs to know; `learning_rate` is the peak of a cosine after a short warm-up.

    `float32`: compute in it on every device; else a GPU computes in bfloat16 where it can.
    """

    learning_rate: float
    seed: int
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    float32: bool = False


@dataclass(frozen=True, slots=True)
class Pulse:
    """Where a training is after a step; `loss` is the mean of the last logged stretch, in nats per response token."""

    step: int
    n_steps: int
    n_samples: int
    n_tokens: int
    loss: float | None


@dataclass(frozen=True, slots=True)
class FitOutcome:
    """How a training ended; `losses` holds (step, nats per response token) along the way."""

    finished: bool
    n_steps: int
    losses: tuple[tuple[int, float], ...]
    activation_checkpointing: bool


def fit(
    loaded: LoadedModel,
    table: TokenTable,
    steps: list[np.ndarray],
    settings: FitSettings,
    checkpoints: Path,
    on_pulse: Callable[[Pulse], None],
    should_stop: Callable[[], bool],
    on_step: Callable[[int], None] = lambda _: None,
) -> FitOutcome:
    """Train in place; continues from the last whole checkpoint in `checkpoints`, if there is one.

    `on_step` hears of every step before a checkpoint of it can be written; it may measure and save the model.

    The checkpoint holds weights, optimiser, schedule and random state, and the plan of steps is the same: a training
    that was killed gives the same weights as one that was not.

    Raises:
        MemoryShortError: a step does not fit into memory.
    """
    set_seed(settings.seed)
    keep_freed_memory()
    arguments = _arguments(loaded, len(steps), settings, checkpoints)
    # With more, Trainer would draw as many items a step and `_only_item` would lose all but one (see one_gpu.py).
    assert arguments.n_gpu <= 1
    watcher = _Watcher(table, steps, settings, on_pulse, should_stop, on_step)
    most = max((int(table.lengths[step].max()) * len(step) for step in steps), default=0)
    smaller = "Or lower --batch-tokens or --max-tokens, or train with --method lora."
    with fits_into_memory(f"a training step of {most:,} tokens", loaded.device, smaller):
        trainer = _ResponseTrainer(
            loaded, args=arguments, train_dataset=_Steps(table, steps), data_collator=_only_item, callbacks=[watcher]
        )
        trainer.train(resume_from_checkpoint=last_checkpoint(checkpoints))
    # Trainer and its callbacks hold each other, and with them the optimiser: twice the weights, until collected.
    state = trainer.state
    del trainer
    gc.collect()
    history = [(int(entry["step"]), float(entry["loss"])) for entry in state.log_history if "loss" in entry]
    return FitOutcome(
        finished=state.global_step >= len(steps),
        n_steps=state.global_step,
        losses=tuple(history),
        activation_checkpointing=bool(arguments.activation_checkpointing),
    )


def quiet_transformers() -> None:
    """Keep its advice and bars out of the run's log: progress has a file of its own."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written to its end; those that a kill left half written are removed."""
    checkpoints = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.removeprefix("checkpoint-")))
    for path in reversed(checkpoints):
        try:
            # Trainer writes this file last.
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            shutil.rmtree(path, ignore_errors=True)
        else:
            return str(path)
    return None


class _Steps(Dataset):
    """One item a step: the whole batch, right-padded."""

    def __init__(self, table: TokenTable, steps: list[np.ndarray]) -> None:
        self.table, self.steps = table, steps

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        rows = self.steps[index]
        width = int(self.table.lengths[rows].max())
        input_ids = np.zeros((len(rows), width), dtype=np.int64)
        labels = np.full((len(rows), width), IGNORED, dtype=np.int64)
        for place, row in enumerate(rows):
            ids, mask = self.table.ids_of(row), self.table.mask_of(row)
            input_ids[place, : len(ids)] = ids
            labels[place, : len(ids)] = np.where(mask, ids, IGNORED)
        return {"input_ids": torch.from_numpy(input_ids), "labels": torch.from_numpy(labels)}


def _only_item(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    return items[0]


class _ResponseTrainer(Trainer):
    """Trainer whose loss is that of the response tokens; a step is made of small batches that memory can hold."""

    def __init__(self, loaded: LoadedModel, **kwargs: Any) -> None:
        super().__init__(model=loaded.model, **kwargs)
        self.loaded = loaded

    def training_step(self, model: Any, inputs: dict, num_items_in_batch: Any = None) -> torch.Tensor:
        """Leave the gradients of the step's mean loss on the weights, and return the loss."""
        model.train()
        inputs = self._prepare_inputs(inputs)
        input_ids, labels = inputs["input_ids"], inputs["labels"]
        most_tokens = MOST_TOKENS_CPU if input_ids.device.type == "cpu" else input_ids.numel()
        n = n_targets(labels)
        total = torch.zeros((), device=input_ids.device)
        for ids, wanted in micro_batches(input_ids, labels, most_tokens):
            # The body is called directly, past the forward that accelerate wrapped.
            with self.accelerator.autocast():
                loss = response_loss_sum(self.loaded, ids, wanted) / n
            self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def floating_point_ops(self, inputs: dict) -> int:
        """0: nobody reads the count, and it walks over all weights at every step."""
        return 0


class _Watcher(TrainerCallback):
    """Reports every step, saves by the clock, and stops when asked to."""

    def __init__(
        self,
        table: TokenTable,
        steps: list[np.ndarray],
        settings: FitSettings,
        on_pulse: Callable[[Pulse], None],
        should_stop: Callable[[], bool],
        on_step: Callable[[int], None],
    ) -> None:
        self.n_samples = np.cumsum([len(step) for step in steps])
        self.n_tokens = np.cumsum([int(table.lengths[step].sum()) for step in steps])
        self.on_pulse, self.should_stop, self.on_step = on_pulse, should_stop, on_step
        self.interval = settings.checkpoint_seconds
        self.last_saved = time.monotonic()
        self.asked_at = 0.0
        self.loss: float | None = None

    def on_log(self, args: Any, state: Any, control: Any, logs: dict | None = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self.loss = float(logs["loss"])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        done = state.global_step
        self.on_pulse(
            Pulse(done, len(self.n_samples), int(self.n_samples[done - 1]), int(self.n_tokens[done - 1]), self.loss)
        )
        self.on_step(done)
        now = time.monotonic()
        if self.should_stop():
            control.should_training_stop = True
            control.should_save = True
        elif now - self.last_saved >= self.interval and done < len(self.n_samples):
            control.should_save = True
            self.asked_at = now

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.last_saved = time.monotonic()
        if self.asked_at:
            self.interval = max(self.interval, (self.last_saved - self.asked_at) / MOST_TIME_SAVING)


def _arguments(loaded: LoadedModel, n_steps: int, settings: FitSettings, checkpoints: Path) -> TrainingArguments:
    on_cuda = loaded.device.type == "cuda"
    activations = on_cuda and loaded.n_parameters >= CHECKPOINT_ACTIVATIONS_FROM
    return TrainingArguments(
        output_dir=str(checkpoints),
        per_device_train_batch_size=1,
        train_sampling_strategy="sequential",
        max_steps=n_steps,
        num_train_epochs=1,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(WARMUP_SHARE * n_steps),
        weight_decay=0.0,
        max_grad_norm=MAX_GRAD_NORM,
        optim="adamw_torch",
        bf16=on_cuda and not settings.float32 and torch.cuda.is_bf16_supported(),
        use_cpu=loaded.device.type == "cpu",
        activation_checkpointing=activations,
        activation_checkpointing_kwargs={"use_reentrant": False} if activations else None,
        dataloader_pin_memory=on_cuda,
        remove_unused_columns=False,
        save_strategy="no",
        save_total_limit=1,
        logging_strategy="steps",
        logging_steps=max(1, n_steps // N_LOGGED),
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        seed=settings.seed,
    )
