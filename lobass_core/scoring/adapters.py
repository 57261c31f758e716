"""PEFT adapters: put onto a base, and held against it without its weights before anything is scored."""

from typing import Any, cast

import torch
from safetensors import safe_open

from lobass_core.errors import ModelError, cause_of, out_of_memory, size_mismatches
from lobass_core.scoring.model_files import ModelFiles, config_of, vocabulary_size
from lobass_core.scoring.peft_warnings import leave_out_peft_warnings

_WRAPPERS = (".base_layer", ".original_module", ".modules_to_save")
# PEFT shares these between layers and stores them once.
_SHARED = ("vblora_vector_bank", ".tinylora_v.", ".unilora_theta_d.")


def put_adapter(model: Any, files: ModelFiles, name: str, *, without_weights: bool = False) -> Any:
    """The PEFT model of `model` with the adapter of `files` on it, beside those that it has already.

    `without_weights`: the model is a skeleton on the meta device.

    Raises:
        ModelError: the adapter does not fit the base, or any part of it would be left out.
    """
    from peft import MODEL_TYPE_TO_PEFT_MODEL_MAPPING, PeftConfig, PeftModel

    leave_out_peft_warnings()
    folder = str(files.adapter)
    try:
        config = PeftConfig.from_pretrained(folder)
        if config.is_prompt_learning:
            raise ModelError(
                "the adapter adds virtual tokens (prompt tuning), which change every position",
                where=folder,
                do="Use a LoRA adapter, or merge it into a full model.",
            )
        config.inference_mode = True
        own_names = getattr(model, "_checkpoint_conversion_mapping", {})
        if not isinstance(model, PeftModel):
            # What PeftModel.from_pretrained does; but that drops the list of weights that found no place.
            kind = cast(Any, MODEL_TYPE_TO_PEFT_MODEL_MAPPING.get(config.task_type or "", PeftModel))
            model = kind(model, config, name, low_cpu_mem_usage=without_weights)
        placed = model.load_adapter(
            folder, name, is_trainable=False, low_cpu_mem_usage=without_weights, key_mapping=own_names
        )
    except ModelError:
        raise
    except Exception as error:
        if out_of_memory(error) or (without_weights and not _says_misfit(error)):
            raise
        raise _misfit(files, error) from error
    _check_placed(files, placed, model)
    return model


def check_adapter_fits(files: ModelFiles, *, trust_remote_code: bool) -> None:
    """Put the adapter on the base's bare structure, which takes a second and no memory.

    Raises:
        ModelError: it does not fit.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(
            files.folder, trust_remote_code=trust_remote_code, **({"gguf_file": files.gguf} if files.gguf else {})
        )
        with torch.device("meta"):
            skeleton = cast(Any, AutoModelForCausalLM).from_config(config, trust_remote_code=trust_remote_code)
        put_adapter(skeleton, files, "reference", without_weights=True)
    except ModelError:
        raise
    except Exception:
        # Some models and some kinds of adapter cannot be built without weights; loading them checks the same again.
        return


def replaces_base_weights(files: ModelFiles) -> bool:
    """Whether the adapter's file may also hold weights that loading writes over the base's own, such as biases."""
    from peft import PeftConfig
    from peft.mapping import PEFT_TYPE_TO_PREFIX_MAPPING

    prefix = PEFT_TYPE_TO_PREFIX_MAPPING.get(PeftConfig.from_pretrained(str(files.adapter)).peft_type)
    return prefix is None or any(prefix not in name for name in _stored_names(files))


def _check_placed(files: ModelFiles, placed: Any, model: Any) -> None:
    """Refuse an adapter with weights that found no place, or places without weights: PEFT warns, or says nothing."""
    empty = [name for name in placed.missing_keys if not any(part in name for part in _SHARED)]
    parts = {_bare(name) for name in model.state_dict()}
    homeless = [name for name in placed.unexpected_keys if _bare(name) not in parts]
    n_weights = len(_stored_names(files))
    if not (empty or homeless or not n_weights):
        return
    if len(homeless) == n_weights:
        what = f"none of the adapter's {n_weights:,} weights matches the base"
    elif homeless:
        what = f"{len(homeless):,} of the adapter's {n_weights:,} weights do not match the base"
    else:
        what = f"the adapter lacks {len(empty):,} of the weights that its settings name"
    raise ModelError(
        f"{what}, such as {min(homeless or empty, default='none')}",
        where=f"{files.adapter} on {files.place}",
        do="Use the base that the adapter was trained on.",
    )


def _stored_names(files: ModelFiles) -> list[str]:
    assert files.adapter is not None
    with safe_open(files.adapter / "adapter_model.safetensors", framework="numpy") as file:
        return list(file.keys())


def _bare(name: str) -> str:
    for wrapper in _WRAPPERS:
        name = name.replace(wrapper, "")
    return name


def _says_misfit(error: Exception) -> bool:
    return bool(size_mismatches(error)) or _names_no_module(error)


def _names_no_module(error: Exception) -> bool:
    return type(error).__name__ == "NoMatchingPeftModuleError"


def _misfit(files: ModelFiles, error: Exception) -> ModelError:
    where = f"{files.adapter} on {files.place}"
    do = "Use the base that the adapter was trained on."
    if _names_no_module(error):
        return ModelError(
            f"the base has none of the modules that the adapter changes{_example(files)}", where=where, do=do
        )
    sizes = size_mismatches(error)
    vocabulary = vocabulary_size(config_of(files)) or 0
    for _, theirs, ours in sizes:
        grown = [new for new, old in zip(theirs, ours, strict=False) if old == vocabulary and new != old]
        if grown:
            return ModelError(
                f"the adapter was trained with a vocabulary of {grown[0]:,} tokens, but the base has {vocabulary:,}",
                where=where,
                do=f"Resize the base as it was for training: model.resize_token_embeddings({grown[0]}), then "
                "save_pretrained(...). Use that folder as the base.",
            )
    return ModelError(f"the adapter cannot be applied to the base: {cause_of(error)}", where=where, do=do)


def _example(files: ModelFiles) -> str:
    name = min(_stored_names(files), default="")
    return f", such as {name.removeprefix('base_model.model.').rpartition('.lora_')[0] or name}" if name else ""
