"""A model as files on this disk: the folder of a path or hub id, its weights, its adapter."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import InputFileError, ModelError, cause_of
from lobass_core.files.hub_snapshot import fetch_snapshot
from lobass_core.files.named_files import read_small
from lobass_core.scoring.gguf_files import check_gguf, gguf_config, gguf_n_parameters
from lobass_core.specs import ModelSpec

# Of a Hub model. Weights that run code when they are loaded are neither fetched nor opened.
_FETCHED = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
# transformers takes a folder with such a file for a distributed checkpoint, whatever else lies in it.
_DISTRIBUTED = re.compile(r"shard-\d{5}-model-\d{5}-of-\d{5}\.safetensors")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where a model lies: its folder, its adapter's folder if any, and the name that a person knows it by.

    `gguf` names the one file of the folder that is the whole model; empty for a Hugging Face folder. `own_code`: it
    runs Python code that lies in the folder.
    """

    folder: Path
    adapter: Path | None
    name: str
    gguf: str = ""
    own_code: bool = False

    @property
    def place(self) -> Path:
        """The folder, or the GGUF file in it."""
        return self.folder / self.gguf


def find_model(spec: ModelSpec) -> ModelFiles:
    """Find the folders of a model and its adapter, fetching them from the hub if they are not paths.

    A folder that holds an adapter alone stands for that adapter on the base that it names.

    Raises:
        ModelError: there is no such folder, file or hub id, or it has no weights that can be loaded safely.
    """
    folder, gguf = _place_of(spec.path, spec.revision, spec)
    adapter = _folder_of(spec.adapter, spec.adapter_revision, spec) if spec.adapter else None
    name = Path(spec.adapter or spec.path).name or spec.path
    if adapter is None and not gguf and _is_adapter_alone(folder):
        adapter, (folder, gguf) = folder, _named_base(folder, spec)
    if not gguf and not (folder / "config.json").is_file():
        raise ModelError(
            "the folder contains no model: config.json is missing", where=str(folder), do=_inner_model(folder)
        )
    if not gguf and (folder / "adapter_config.json").is_file():
        # transformers would put that adapter on the base unasked.
        raise ModelError(
            "the folder contains both a full model and an adapter",
            where=str(folder),
            do="Move adapter_config.json and the adapter's weights to another folder; it can be the reference.",
        )
    files = ModelFiles(folder, adapter, name, gguf, not gguf and spec.trust_remote_code and _brings_code(folder))
    weight_files(files)
    if adapter is not None:
        adapter_files(adapter)
    return files


def weight_files(files: ModelFiles) -> list[Path]:
    """The files that transformers reads a model's weights from, in its order of preference.

    Raises:
        ModelError: there are none, some are missing, or the weights are pickled.
    """
    if files.gguf:
        return [files.place]
    folder, config = files.folder, config_of(files)
    if any(_DISTRIBUTED.fullmatch(path.name) for path in folder.glob("shard-*.safetensors")):
        raise ModelError(
            "the weights are a distributed checkpoint",
            where=str(folder),
            do="Save the model with save_pretrained(...).",
        )
    named = config.get("transformers_weights")
    chosen = _inside(folder, named) if isinstance(named, str) else folder / "model.safetensors"
    if named is None and not chosen.is_file():
        chosen = folder / "model.safetensors.index.json"
    if not chosen.is_file():
        raise _no_weights(folder, named)
    shards = _shards(chosen) if chosen.name.endswith(".index.json") else [chosen]
    return [*shards, *(path for path in _extra_files(folder, config) if path not in shards)]


def _shards(index: Path) -> list[Path]:
    document = _read_json(index)
    names = document.get("weight_map") or {}
    shards = [_inside(index.parent, str(name)) for name in sorted(set(names.values()))]
    if not shards or "metadata" not in document:
        raise ModelError(
            f"{index.name} has no weight_map or no metadata", where=str(index.parent), do="Save the model again."
        )
    missing = [path for path in shards if not path.is_file()]
    if missing:
        raise ModelError(
            f"weight file {missing[0].name} is missing", where=str(index.parent), do="Download the model again."
        )
    return shards


def _extra_files(folder: Path, config: dict) -> list[Path]:
    """Weights beside the usual ones, which a few model classes of transformers name themselves."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = str(config.get("model_type"))
    names = CONFIG_MAPPING[kind].extra_files if kind in CONFIG_MAPPING else ()
    return [folder / name for name in names if (folder / name).is_file()]


def _no_weights(folder: Path, named: str | None) -> ModelError:
    if named is not None:
        return ModelError(f"weight file {named}, which config.json names, is missing", where=str(folder))
    variants = sorted(folder.glob("model.*.safetensors*"))
    if variants:
        return ModelError(
            f"the folder contains {variants[0].name}, a variant of the weights, but no model.safetensors",
            where=str(folder),
            do="Rename the variant that you want to use (and its index, if it has one), or save the model again.",
        )
    if any(path for pattern in _PICKLES for path in folder.glob(pattern)):
        return ModelError(
            "the weights are pickled (.bin), and loading them could run code",
            where=str(folder),
            do="Save the model with save_pretrained(...), which writes safetensors, and use that.",
        )
    return ModelError(
        "the folder contains no weights",
        where=str(folder),
        do=_inner_model(folder) or "Use a folder that contains model.safetensors or its index.",
    )


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
            "the adapter's weights are pickled (.bin), and loading them could run code",
            where=str(folder),
            do="Save it again with a current version of PEFT, which writes adapter_model.safetensors.",
        )
    raise ModelError(
        "the folder contains no PEFT adapter",
        where=str(folder),
        do="Use a folder with adapter_config.json and adapter_model.safetensors.",
    )


def has_tokenizer(folder: Path) -> bool:
    """Whether the folder holds a tokenizer of its own."""
    return any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json"))


def config_of(files: ModelFiles) -> dict:
    """The model's settings: its config.json, or what its GGUF file says."""
    return gguf_config(files.place) if files.gguf else _read_json(files.folder / "config.json")


def weight_bytes(files: ModelFiles) -> int:
    """Size of the weights: as they lie in safetensors files, or unpacked to float32 from a GGUF file."""
    if files.gguf:
        return 4 * gguf_n_parameters(files.place)
    return sum(path.stat().st_size for path in weight_files(files))


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


def _place_of(path: str, revision: str, spec: ModelSpec) -> tuple[Path, str]:
    """The folder of a model, and the name of the GGUF file in it if that is what the path names."""
    local = Path(path).expanduser()
    if revision and local.exists():
        raise ModelError(
            f"revision {revision!r} applies only to a Hub id, and this model is on disk",
            where=path,
            do="Leave out the revision.",
        )
    if local.is_file() and local.suffix.lower() == ".gguf":
        check_gguf(local)
        return local.parent, local.name
    if local.is_file():
        raise ModelError("a model is a folder or a .gguf file", where=path, do="Use the folder that contains the file.")
    folder = _folder_of(path, revision, spec)
    inside = sorted(folder.glob("*.gguf"))
    if inside and not (folder / "config.json").is_file() and not (folder / "adapter_config.json").is_file():
        raise ModelError("the folder contains only GGUF files", where=str(folder), do=f"Name the file: {inside[0]}.")
    return folder, ""


def _folder_of(path: str, revision: str, spec: ModelSpec) -> Path:
    local = Path(path).expanduser()
    if local.is_dir():
        return local
    if local.is_file():
        raise ModelError("an adapter is a folder, not a file", where=path, do="Use the folder that contains the file.")
    if path.startswith((".", "/", "~")) or path.count("/") > 1 or not path:
        raise ModelError("there is no such model folder", where=path, do="Check the path.")
    patterns = (*_FETCHED, "*.py") if spec.trust_remote_code else _FETCHED
    return fetch_snapshot("model", path, revision, patterns, ModelError)


def _is_adapter_alone(folder: Path) -> bool:
    """Some trainers leave the base's config.json beside an adapter, but not its weights."""
    whole = folder / "config.json", folder / "model.safetensors", folder / "model.safetensors.index.json"
    return (folder / "adapter_config.json").is_file() and not (whole[0].is_file() and any(map(Path.is_file, whole[1:])))


def _named_base(adapter: Path, spec: ModelSpec) -> tuple[Path, str]:
    """The base that an adapter names, from where the program runs or from the adapter's own folder."""
    config = _read_json(adapter / "adapter_config.json")
    base = str(config.get("base_model_name_or_path") or "")
    if not base:
        raise ModelError("the adapter does not name its base model", where=str(adapter), do="Name the base as well.")
    beside = adapter / base
    if not Path(base).expanduser().exists() and beside.exists():
        base = str(beside)
    return _place_of(base, str(config.get("revision") or ""), spec)


def _inner_model(folder: Path) -> str:
    """Advice where the model lies one folder deeper, as in some hub repositories."""
    inner = sorted(path.parent for path in folder.glob("*/config.json"))
    return f"There is a model in {inner[0]}: use that folder." if inner else ""


def _brings_code(folder: Path) -> bool:
    return (folder / "config.json").is_file() and bool(_read_json(folder / "config.json").get("auto_map"))


def _inside(folder: Path, name: str) -> Path:
    """A file that an index names, which must not point out of the folder."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ModelError(f"the weight index names a file outside the model: {name}", where=str(folder))
    return folder / name


def _read_json(path: Path) -> dict:
    try:
        value = json.loads(read_small(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError, InputFileError) as error:
        raise ModelError(f"{path.name} cannot be read: {cause_of(error)}", where=str(path.parent)) from error
    if not isinstance(value, dict):
        raise ModelError(f"{path.name} is not a JSON object", where=str(path.parent))
    return value
