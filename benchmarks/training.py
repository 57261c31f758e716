"""How fast a reference trains, and in how much memory, against transformers' Trainer on the same rows.

    python benchmarks/training.py                              # LoRA on two shapes, about ten minutes on two cores
    python benchmarks/training.py --models FOLDER --method full --threads 1

Ways compared, each in processes of its own, by turns, so that a busy machine slows all of them alike:

    trainer      transformers' Trainer on padded batches with attention mask and plain labels
    slices       the same, with the logits of predicted tokens in checkpointed slices of 512 rows
    lobass       this program

All take the same rows in the same steps, with the same optimiser and, for LoRA, the same adapter by PEFT. Lengths are
those of Alpaca and GSM8K rows (see scoring.py), tokens are random, and so are the weights of a shape: speed does not
depend on their values. The first step warms up. Tokens are those of the rows, without padding; seconds are CPU seconds
of the process with one thread, else of the clock. Memory is the peak of the process, model and torch included.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peak_memory import high_water, restart_peak
from scoring import token_table
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from torch.utils.data import Dataset
from transformers import AutoConfig, AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments, logging

from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.output_head import find_output_head
from lobass_core.scoring.products import compute_by, fastest_library
from lobass_core.scoring.token_table import TokenTable
from lobass_core.training.batches import plan_steps
from lobass_core.training.fit import FitSettings, fit
from lobass_core.training.trainable import make_trainable

WAYS = ("trainer", "slices", "lobass")
SLICE_ROWS = 512
RATE = 1e-4
# The shapes of SmolLM2-135M and gemma-3-270m.
SHAPES: dict[str, dict[str, Any]] = {
    "135M": {
        "model_type": "llama",
        "vocab_size": 49_152,
        "hidden_size": 576,
        "intermediate_size": 1_536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "tie_word_embeddings": True,
    },
    "270M": {
        "model_type": "gemma3_text",
        "vocab_size": 262_144,
        "hidden_size": 640,
        "intermediate_size": 2_048,
        "num_hidden_layers": 18,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "query_pre_attn_scalar": 256,
        "sliding_window": 512,
        "tie_word_embeddings": True,
    },
}


def model_named(name: str) -> Any:
    """A shape with random weights, or the model of a folder; float32, on the CPU."""
    if name not in SHAPES:
        return AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(**SHAPES[name]), dtype=torch.float32)


class PaddedSteps(Dataset):
    """One item a step: its rows, right-padded, as a collator makes them."""

    def __init__(self, table: TokenTable, steps: list[np.ndarray]) -> None:
        self.table, self.steps = table, steps

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        rows = self.steps[index]
        shape = len(rows), int(self.table.lengths[rows].max())
        ids, labels = torch.zeros(shape, dtype=torch.long), torch.full(shape, -100)
        mask = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            own = torch.from_numpy(self.table.ids_of(row).astype(np.int64))
            ids[place, : len(own)], mask[place, : len(own)] = own, 1
            labels[place, : len(own)] = torch.where(torch.from_numpy(self.table.mask_of(row)), own, -100)
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class SlicedTrainer(Trainer):
    """Trainer that never holds the logits of all tokens: the usual mend for large vocabularies."""

    def compute_loss(self, model: Any, inputs: dict, *_: Any, **__: Any) -> Any:
        """Mean loss of the labels, their logits made 512 rows at a time and again on the way back."""
        causal_lm = model.get_base_model() if hasattr(model, "get_base_model") else model
        labels = inputs.pop("labels")[:, 1:]
        hidden = causal_lm.base_model(**inputs, use_cache=False).last_hidden_state[:, :-1]
        wanted = labels != -100
        states, targets = hidden[wanted], labels[wanted]

        def loss_sum(some: torch.Tensor, labelled: torch.Tensor) -> torch.Tensor:
            return functional.cross_entropy(causal_lm.lm_head(some).float(), labelled, reduction="sum")

        starts = range(0, len(targets), SLICE_ROWS)
        slices = [(states[start : start + SLICE_ROWS], targets[start : start + SLICE_ROWS]) for start in starts]
        return sum(checkpoint(loss_sum, *part, use_reentrant=False) for part in slices) / len(targets)


class Watch(TrainerCallback):
    """When each step ended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.ends = clock, [clock()]

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note the time."""
        self.ends.append(self.clock())


def train(way: str, model: Any, table: TokenTable, steps: list[np.ndarray], method: str, watch: Watch) -> None:
    """All steps, one way."""
    loaded = LoadedModel(model.requires_grad_(False), torch.device("cpu"), torch.float32, find_output_head(model))
    make_trainable(loaded, method, 16)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        if way == "lobass":
            compute_by(loaded.model, fastest_library(loaded.device, loaded.dtype))
            settings = FitSettings(RATE, 0, checkpoint_seconds=1e9)
            fit(loaded, table, steps, settings, Path(folder), watch.on_step_end, lambda: False)
            return
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=1,
            train_sampling_strategy="sequential",
            max_steps=len(steps),
            learning_rate=RATE,
            lr_scheduler_type="cosine",
            weight_decay=0.0,
            max_grad_norm=1.0,
            optim="adamw_torch",
            use_cpu=True,
            dataloader_pin_memory=False,
            remove_unused_columns=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        kind = SlicedTrainer if way == "slices" else Trainer
        kind(
            loaded.model,
            args=arguments,
            train_dataset=PaddedSteps(table, steps),
            data_collator=lambda items: items[0],
            callbacks=[watch],
        ).train()


def print_one(arguments: argparse.Namespace) -> None:
    """The child's part: one way over one model, its figures as JSON on the last line."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(arguments.threads)
    model = model_named(arguments.models[0])
    table = token_table(4 * arguments.steps * arguments.batch_tokens // 100, model.config.vocab_size, 0)
    planned = plan_steps(table.lengths, arguments.batch_tokens, 1, 0)
    # The last steps of a pool hold few tokens.
    full = [step for step in planned if table.lengths[step].sum() > 0.8 * arguments.batch_tokens]
    steps = full[: 1 + arguments.steps]
    loaded_bytes = restart_peak()
    watch = Watch(time.process_time if arguments.threads == 1 else time.perf_counter)
    train(arguments.way, model, table, steps, arguments.method, watch)
    n_tokens = sum(int(table.lengths[step].sum()) for step in steps[1:])
    seconds = watch.ends[-1] - watch.ends[1]
    print(json.dumps({"rate": n_tokens / seconds, "peak": high_water(), "loaded": loaded_bytes, "n_tokens": n_tokens}))


def measure(name: str, arguments: argparse.Namespace) -> dict[str, list[dict]]:
    """Every way over one model, by turns."""
    found: dict[str, list[dict]] = {way: [] for way in arguments.ways}
    for _ in range(arguments.repeats):
        for way in arguments.ways:
            command = [sys.executable, __file__, "--way", way, "--models", name, "--method", arguments.method]
            command += ["--threads", str(arguments.threads), "--steps", str(arguments.steps)]
            command += ["--batch-tokens", str(arguments.batch_tokens)]
            child = subprocess.run(command, check=True, capture_output=True, text=True)
            found[way].append(json.loads(child.stdout.splitlines()[-1]))
    return found


def show(name: str, found: dict[str, list[dict]], arguments: argparse.Namespace) -> None:
    """One model as a small table; ratios of medians."""
    ours = found["lobass"]
    rates = {way: statistics.median(one["rate"] for one in many) for way, many in found.items()}
    peaks = {way: statistics.median(one["peak"] for one in many) for way, many in found.items()}
    print(
        f"\n{name}, {arguments.method}, {ours[0]['n_tokens']:,} tokens in steps of {arguments.batch_tokens:,}, "
        f"{arguments.threads} threads; the model alone holds {ours[0]['loaded'] / 1e9:.1f} GB"
    )
    for way in found:
        print(
            f"  {way:<8} {rates[way]:>8,.0f} tokens/s, lobass {rates['lobass'] / rates[way]:.2f} times as fast"
            f"   peak {peaks[way] / 1e9:>5.1f} GB, lobass {peaks['lobass'] / peaks[way]:.2f} of it"
        )


def main() -> None:
    """Measure, print, and with --json write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(SHAPES), help=f"folders, or shapes: {', '.join(SHAPES)}")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--method", choices=["full", "lora"], default="lora")
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=2, help="steps to time, after one that is not")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print_one(arguments)
        return
    if "lobass" not in arguments.ways:
        arguments.ways.append("lobass")
    results = {}
    for name in arguments.models:
        results[name] = measure(name, arguments)
        show(name, results[name], arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
