"""A base model made ready to be trained, whole or by LoRA, and what is saved of it."""

import shutil
from pathlib import Path
from typing import Any

import torch

from lobass_core.errors import ModelError, RequestError
from lobass_core.scoring.memory import fits_into_memory
from lobass_core.scoring.model_files import find_model
from lobass_core.scoring.models import LoadedModel, load_model
from lobass_core.scoring.peft_warnings import leave_out_peft_warnings
from lobass_core.specs import ModelSpec, TrainMethod

ADAPTER = "default"


def load_base(spec: ModelSpec, method: TrainMethod, device: torch.device, float32: bool = False) -> LoadedModel:
    """The base in memory as its training needs it.

    Full training keeps float32 weights and computes in bfloat16 where the GPU has it: in bfloat16 most of its small
    updates would round to nothing. LoRA leaves the base as it is and can hold it in bfloat16, unless `float32` is asked
    for.

    Raises:
        ModelError: the base cannot be loaded, or is an adapter.
    """
    files = find_model(spec)
    if files.adapter:
        raise ModelError(
            "a reference is trained from a full model, but this base is an adapter",
            where=str(files.adapter),
            do="Merge the adapter into its base (peft: merge_and_unload) and use that folder.",
        )
    half = not float32 and method == "lora" and device.type == "cuda" and torch.cuda.is_bf16_supported()
    n_threads = torch.get_num_threads()
    loaded = load_model(spec, "bfloat16" if half else "float32", device, files)
    # Loading leaves a tiny model one thread, as scoring gives each core a process. A training is one process: two
    # threads took 260 thousand parameters from 7,900 to 14,300 tokens a second on two idle cores.
    torch.set_num_threads(n_threads)
    return loaded


def make_trainable(loaded: LoadedModel, method: TrainMethod, lora_rank: int) -> None:
    """Let the optimiser change all weights, or fresh LoRA matrices on every linear layer but the head, in place."""
    if method == "full":
        loaded.model.requires_grad_(True)
        return
    from peft import LoraConfig, TaskType, get_peft_model

    leave_out_peft_warnings()
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=lora_rank,
        lora_alpha=2 * lora_rank,
        lora_dropout=0.0,
        target_modules="all-linear",
    )
    with fits_into_memory("the LoRA adapter", loaded.device, "Or lower --lora-rank."):
        loaded.model = get_peft_model(loaded.model, config, adapter_name=ADAPTER)
    loaded.adapter_name = ADAPTER


def n_trainable(loaded: LoadedModel) -> int:
    """How many numbers the optimiser may change."""
    return sum(parameter.numel() for parameter in loaded.model.parameters() if parameter.requires_grad)


def save(loaded: LoadedModel, tokenizer: Any, folder: Path) -> None:
    """Write the model, or its adapter alone, as safetensors, with the tokenizer beside it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    loaded.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    # PEFT's model card is a form of "[More Information Needed]"; the recipe says what there is to say.
    (folder / "README.md").unlink(missing_ok=True)


def is_finite(loaded: LoadedModel) -> bool:
    """Whether every weight is a number."""
    return all(bool(torch.isfinite(parameter).all()) for parameter in loaded.model.parameters())


def check_finite(loaded: LoadedModel, learning_rate: float) -> None:
    """Refuse to save weights that a training has blown up.

    Raises:
        RequestError: a weight is infinite or not a number.
    """
    if is_finite(loaded):
        return
    raise RequestError(
        f"the training diverged at a learning rate of {learning_rate:g}: weights are NaN or infinite",
        do=f"Train again with a lower rate, such as --lr {learning_rate / 10:g}.",
    )
