"""A model as files on this disk: the folder of a path or hub id, its weights, its adapter."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import ModelError
from lobass_core.specs import ModelSpec

# Pickled weights (.bin, .pt) run code when they are loaded; they are never fetched and never opened.
_FETCHED = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where a model lies: its folder, its adapter's folder if any, and the name that a person knows it by."""

    folder: Path
    adapter: Path | None
    name: str


def find_model(spec: ModelSpec) -> ModelFiles:
    """Find the folders of a model and its adapter, fetching them from the hub if they are not paths.

    A folder that holds an adapter alone stands for that adapter on the base that it names.

    Raises:
        ModelError: there is no such folder or hub id, or it has no weights that can be loaded safely.
    """
    folder = _folder_of(spec.path, spec)
    adapter = _folder_of(spec.adapter, spec) if spec.adapter else None
    name = Path(spec.adapter or spec.path).name or spec.path
    if adapter is None and (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        base = _read_json(folder / "adapter_config.json").get("base_model_name_or_path") or ""
        if not base:
            raise ModelError(
                "the adapter does not say what base it belongs to", where=str(folder), do="Name the base too."
            )
        adapter, folder = folder, _folder_of(base, spec)
    if not (folder / "config.json").is_file():
        raise ModelError("the folder holds no model: config.json is missing", where=str(folder))
    weight_files(folder)
    if adapter is not None:
        adapter_files(adapter)
    return ModelFiles(folder, adapter, name)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that make up a model's weights.

    Raises:
        ModelError: there are none, some are missing, or the weights are pickled.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = sorted(set(_read_json(index).get("weight_map", {}).values()))
        missing = [name for name in names if not _inside(folder, name).is_file()]
        if missing:
            raise ModelError(f"weight file {missing[0]} is missing", where=str(folder), do="Fetch the model again.")
        return [_inside(folder, name) for name in names]
    files = sorted(path for path in folder.glob("*.safetensors") if not path.name.startswith("adapter_"))
    whole = folder / "model.safetensors"
    if whole in files:
        return [whole]
    if files:
        return files
    if any(path for pattern in _PICKLES for path in folder.glob(pattern)):
        raise ModelError(
            "the weights are pickled (.bin), which would run their code on loading",
            where=str(folder),
            do="Save the model with save_pretrained(...), which writes safetensors, and use that.",
        )
    raise ModelError("the folder holds no weights", where=str(folder), do="Give a folder that holds model.safetensors.")


def adapter_files(folder: Path) -> list[Path]:
    """The settings and weights of a PEFT adapter.

    Raises:
        ModelError: the folder holds none, or a pickled one.
    """
    config, weights = folder / "adapter_config.json", folder / "adapter_model.safetensors"
    if config.is_file() and weights.is_file():
        return [config, weights]
    if (folder / "adapter_model.bin").is_file():
        raise ModelError(
            "the adapter's weights are pickled (.bin), which would run their code on loading",
            where=str(folder),
            do="Save it again with a present-day PEFT, which writes adapter_model.safetensors.",
        )
    raise ModelError(
        "the folder holds no PEFT adapter",
        where=str(folder),
        do="Give a folder with adapter_config.json and adapter_model.safetensors.",
    )


def has_tokenizer(folder: Path) -> bool:
    """Whether the folder holds a tokenizer of its own."""
    return any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json"))


def config_of(folder: Path) -> dict:
    """The model's config.json."""
    return _read_json(folder / "config.json")


def position_limit(config: dict) -> int | None:
    """How many tokens the model can read, where its config says so."""
    config = config.get("text_config") or config
    for key in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"):
        if isinstance(config.get(key), int) and config[key] > 0:
            return config[key]
    return None


def vocabulary_size(config: dict) -> int | None:
    """How many tokens the model chooses from, where its config says so."""
    size = (config.get("text_config") or config).get("vocab_size")
    return size if isinstance(size, int) and size > 0 else None


def _folder_of(path: str, spec: ModelSpec) -> Path:
    local = Path(path).expanduser()
    if local.is_dir():
        return local
    if local.is_file():
        raise ModelError("a model is a folder, not a file", where=path, do="Give the folder that holds the file.")
    if path.startswith((".", "/", "~")) or path.count("/") > 1 or not path:
        raise ModelError("there is no such model folder", where=path, do="Check the path.")
    return _fetched(path, spec)


def _fetched(repo_id: str, spec: ModelSpec) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = [*_FETCHED, "*.py"] if spec.trust_remote_code else [*_FETCHED]
    try:
        return Path(snapshot_download(repo_id, revision=spec.revision or None, allow_patterns=patterns))
    except HFValidationError as error:
        raise ModelError(f"there is no model folder {repo_id!r}, and it is not a hub id", where=repo_id) from error
    except LocalEntryNotFoundError as error:
        offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
        raise ModelError(
            f"there is no folder {repo_id!r}, and the hub model of that name is not in the local cache",
            where="HF_HUB_OFFLINE is set" if offline else "the hub cannot be reached",
            do="Give a model folder, or fetch the model while online.",
        ) from error
    except HfHubHTTPError as error:
        raise ModelError(
            f"neither a folder nor a hub model that can be read: {repo_id!r}",
            where=type(error).__name__,
            do="Check the name; for a gated model set HF_TOKEN.",
        ) from error
    except OSError as error:
        raise ModelError(f"the hub model {repo_id!r} could not be fetched: {error}", where="huggingface.co") from error


def _inside(folder: Path, name: str) -> Path:
    """A file that an index names, which must not point out of the folder."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ModelError(f"the weight index names a file outside of the model: {name}", where=str(folder))
    return folder / name


def _read_json(path: Path) -> dict:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path.name} cannot be read: {error}", where=str(path.parent)) from error
    if not isinstance(value, dict):
        raise ModelError(f"{path.name} is not a JSON object", where=str(path.parent))
    return value
