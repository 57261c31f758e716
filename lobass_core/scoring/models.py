"""Load tokenizers and models, base and adapter in one copy of the weights, with errors that a person can act on."""

import contextlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GgufConfig

from lobass_core.errors import IncomparableLossesError, ModelError, RequestError, cause_of, out_of_memory
from lobass_core.scoring.adapters import put_adapter
from lobass_core.scoring.load_report import captured_report
from lobass_core.scoring.memory import fits_into_memory
from lobass_core.scoring.model_checks import check_causal, check_finite_weights
from lobass_core.scoring.model_files import ModelFiles, find_model, has_tokenizer
from lobass_core.scoring.output_head import OutputHead, find_output_head
from lobass_core.scoring.threads import use_threads_for
from lobass_core.specs import ModelSpec

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}


@dataclass(slots=True)
class LoadedModel:
    """A model in memory, ready to score.

    `head` is None where the model takes the plain path: one sample at a time through its own forward pass.
    `with_adapter` False: the adapter that it was loaded with stays switched off.
    """

    model: Any
    device: torch.device
    dtype: torch.dtype
    head: OutputHead | None
    adapter_name: str = ""
    note: str = ""

    @property
    def body(self) -> Any:
        """The transformer without its head."""
        return self.causal_lm.base_model

    @property
    def causal_lm(self) -> Any:
        """The causal LM itself, out of PEFT's wrapper."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    @property
    def same_up_to(self) -> int | None:
        """Tokens up to which a state does not depend on what is run beside it; None: of any length.

        Some rotary embeddings change for all positions once a batch is longer than the model was first trained for.
        """
        config = self.causal_lm.config.get_text_config()
        rotation = getattr(config, "rope_parameters", None) or {}
        if rotation.get("rope_type") not in ("dynamic", "longrope"):
            return None
        first = rotation.get("original_max_position_embeddings")
        return int(first or getattr(config, "original_max_position_embeddings", 0) or config.max_position_embeddings)

    @property
    def n_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.causal_lm.parameters())

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Score as this model: its adapter switched on, or every adapter off for the bare base.

        Switching off is bit-identical to the base; merging and unmerging is not (in bf16 it changed 19 % of weights).
        """
        if not hasattr(self.model, "disable_adapter"):
            yield
        elif self.adapter_name:
            self.model.set_adapter(self.adapter_name, inference_mode=True)
            yield
        else:
            with self.model.disable_adapter():
                yield


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto": CUDA, else Apple's GPU, else the CPU.

    Raises:
        RequestError: this machine or this build of torch has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise RequestError(f"there is no device {name!r}", do="Use auto, cpu, cuda, cuda:N or mps.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise RequestError(f"this machine has no device {name!r}", do="Use --device cpu or auto.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise RequestError("this machine has no device 'mps'", do="Use --device cpu or auto.")
    return device


def choose_dtype(name: str, device: torch.device) -> str:
    """The compute dtype; "auto": bfloat16 on a GPU that has it, else float32.

    bfloat16 is 3.5 times slower than float32 on CPUs without instructions for it, and loses precision.
    """
    if name != "auto":
        return name
    return "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def load_tokenizer(spec: ModelSpec) -> Any:
    """The tokenizer in a model's folder (an adapter's folder first, if it has one).

    Raises:
        ModelError: there is none, or it cannot be loaded.
    """
    files = find_model(spec)
    folders = [folder for folder in (files.adapter, None if files.gguf else files.folder) if folder]
    folder = next((folder for folder in folders if has_tokenizer(folder)), None)
    if folder is None and not files.gguf:
        raise ModelError(
            "the model has no tokenizer",
            where=str(files.folder),
            do="Add tokenizer.json and tokenizer_config.json to the folder.",
        )
    try:
        if folder is None:
            return AutoTokenizer.from_pretrained(files.folder, gguf_file=files.gguf)
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=spec.trust_remote_code)
    except Exception as error:
        if folder is not None and _needs_sentencepiece(folder):
            raise ModelError(
                "the tokenizer is a SentencePiece file (tokenizer.model), but no package that reads it is installed",
                where=str(folder),
                do="Run pip install sentencepiece, or add the model's tokenizer.json to the folder.",
            ) from error
        raise ModelError(
            f"the tokenizer cannot be loaded: {cause_of(error)}",
            where=str(folder or files.place),
            do=_advice(error, files),
        ) from error


def _needs_sentencepiece(folder: Path) -> bool:
    """Whether transformers falls back to reading SentencePiece as tiktoken, and asks for that package instead."""
    return (
        (folder / "tokenizer.model").is_file()
        and not (folder / "tokenizer.json").is_file()
        and importlib.util.find_spec("sentencepiece") is None
    )


def load_model(spec: ModelSpec, dtype: str, device: torch.device, files: ModelFiles | None = None) -> LoadedModel:
    """Load a model, and its adapter if it has one, in eval mode on the device.

    Raises:
        ModelError: the files cannot be loaded as a causal LM, do not belong together, or do not fit into memory.
    """
    files = files or find_model(spec)
    with fits_into_memory(f"the model {files.name} in {dtype}", device):
        return _loaded(files, spec, dtype, device)


def _loaded(files: ModelFiles, spec: ModelSpec, dtype: str, device: torch.device) -> LoadedModel:
    model, note = _causal_lm(files, spec, dtype)
    model = model.to(device)
    if files.adapter:
        model = put_adapter(model, files, "reference")
    check_finite_weights(model, str(files.adapter or files.place))
    loaded = LoadedModel(model.eval(), device, DTYPES[dtype], None, "reference" if files.adapter else "", note)
    loaded.model.requires_grad_(False)
    check_causal(loaded.causal_lm, _vocabulary_size(loaded.causal_lm), str(files.place))
    use_threads_for(loaded.model)
    return _with_head(loaded)


def with_adapter(base: LoadedModel, files: ModelFiles, name: str) -> LoadedModel:
    """The same weights with one more adapter on them; `base` goes on to stand for the bare weights.

    Raises:
        ModelError: the adapter does not fit the base.
    """
    with fits_into_memory(f"the adapter {files.name}", base.device):
        model = put_adapter(base.model, files, name)
        base.model = model
        model.eval().requires_grad_(False)
        check_finite_weights(model, str(files.adapter))
    _with_head(base)
    return _with_head(LoadedModel(model, base.device, base.dtype, None, name))


def check_same_vocabulary(base: Any, reference: Any, *, base_name: str, reference_name: str) -> tuple[str, ...]:
    """Check that every token of the base means the same to the reference; give back what a person should know.

    The reference may have tokens of its own on top (Alpaca's recipe adds a padding token), as they never occur.

    Raises:
        IncomparableLossesError: a token of the base is missing in the reference, or has another id there.
    """
    ours, theirs = base.get_vocab(), reference.get_vocab()
    if ours == theirs:
        return ()
    wrong = sorted(token for token, index in ours.items() if theirs.get(token) != index)
    if wrong:
        raise IncomparableLossesError(
            f"base and reference have different vocabularies: {len(wrong):,} of {len(ours):,} tokens differ, "
            f"such as {wrong[0]!r}",
            where=f"{base_name} and {reference_name}",
            do="Compare a base with a model that was fine-tuned from it.",
        )
    return (f"{reference_name} has {len(theirs) - len(ours):,} tokens that {base_name} lacks; they are never used.",)


def _causal_lm(files: ModelFiles, spec: ModelSpec, dtype: str) -> tuple[Any, str]:
    """The model in memory, and what a person should know of how its files were read."""
    try:
        with captured_report() as said:
            model, report = _from_files(files, spec, dtype)
    except Exception as error:
        if out_of_memory(error):
            raise
        cause = said.cause or cause_of(error)
        raise ModelError(
            f"the model cannot be loaded: {cause}", where=str(files.place), do=_advice(error, files)
        ) from error
    _check_report(report, files)
    unused = sorted(report.get("unexpected_keys") or ())
    note = (
        f"The files contain weights that the model does not use ({len(unused):,}, such as {min(unused, default='')})."
    )
    return model, note if unused else ""


def _from_files(files: ModelFiles, spec: ModelSpec, dtype: str) -> tuple[Any, dict]:
    # Tensors of other sizes come back in the report with their sizes; by default transformers only says that it failed.
    settings: dict[str, Any] = {"output_loading_info": True, "ignore_mismatched_sizes": True, "dtype": DTYPES[dtype]}
    if not files.gguf:
        config = AutoConfig.from_pretrained(files.folder, trust_remote_code=spec.trust_remote_code)
        return cast(Any, AutoModelForCausalLM).from_pretrained(
            files.folder, config=config, trust_remote_code=spec.trust_remote_code, use_safetensors=True, **settings
        )
    model, report = cast(Any, AutoModelForCausalLM).from_pretrained(
        files.folder, gguf_file=files.gguf, quantization_config=GgufConfig(dequantize=True), **settings
    )
    # Plain weights now: transformers would refuse to save a model that it takes for a quantised one.
    model.hf_quantizer, model.is_quantized = None, False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    # An adapter that is trained on it names this as its base.
    model.name_or_path = model.config._name_or_path = str(files.place)
    return model, report


def _check_report(report: dict, files: ModelFiles) -> None:
    # transformers would fill what does not fit with random numbers and a warning.
    do = "Download or save the model again: config.json and the weights do not match."
    wrong = sorted(report.get("mismatched_keys") or ())
    if wrong:
        name, stored, wanted = wrong[0]
        sizes = [" x ".join(map(str, size)) for size in (stored, wanted)]
        others = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
        raise ModelError(
            f"weight {name} has the size {sizes[0]} in the file, but config.json requires {sizes[1]}{others}",
            where=str(files.place),
            do=do,
        )
    missing = sorted(report.get("missing_keys") or ())
    if missing:
        raise ModelError(f"{len(missing):,} weights are missing, such as {missing[0]}", where=str(files.place), do=do)


def _vocabulary_size(model: Any) -> int:
    return int(model.get_input_embeddings().weight.shape[0])


def _with_head(loaded: LoadedModel) -> LoadedModel:
    loaded.head = find_output_head(loaded.causal_lm)
    family = loaded.causal_lm.config.model_type
    slow = (
        ""
        if loaded.head
        else f"{family} models have no fast path: samples are scored one at a time, with the same losses"
    )
    loaded.note = loaded.note if slow in loaded.note else " ".join(filter(None, (loaded.note, slow)))
    return loaded


def _advice(error: Exception, files: ModelFiles) -> str:
    if "trust_remote_code" in str(error):
        return "The model comes with its own code. Read it; if you trust it, run the command with --trust-remote-code."
    if files.gguf:
        return "Check that the file is a complete language model of a family that transformers reads from GGUF."
    return "Check that the folder contains a complete causal language model in Hugging Face format."
