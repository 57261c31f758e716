"""Fingerprints of models: by content, so that other weights under the same path are another model."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from lobass_core.errors import ModelError
from lobass_core.files.atomic_file import write_whole
from lobass_core.files.caches import cache_folder
from lobass_core.jobs.folder_checksums import SUMS, read_sums
from lobass_core.records import ModelFingerprint
from lobass_core.scoring.model_files import ModelFiles, adapter_files, config_of, weight_files

# Keys of config.json that change with who saved it, and not what the model computes.
_IDLE_KEYS = frozenset({"_name_or_path", "transformers_version", "torch_dtype", "dtype", "use_cache", "architectures"})
_CHUNK_BYTES = 1 << 22


def model_fingerprint(
    files: ModelFiles, tokenizer: str, dtype: str, on_bytes: Callable[[int], None] | None = None
) -> ModelFingerprint:
    """Fingerprint of a model: its weights and settings, its adapter, the tokenizer that feeds it, its compute dtype.

    `on_bytes` hears of every few megabytes that had to be read.

    Raises:
        ModelError: the model was trained here, and a file of it is no longer what was saved then.
    """
    weights = _digest([*_settings(files), *(f"{path.name}={_whole(path, on_bytes)}" for path in weight_files(files))])
    adapter = _digest([_whole(path, on_bytes) for path in adapter_files(files.adapter)]) if files.adapter else ""
    return ModelFingerprint(weights, tokenizer, dtype, adapter)


def _settings(files: ModelFiles) -> list[str]:
    """What beside the weights decides what the model computes; a GGUF file holds it itself."""
    if files.gguf:
        return []
    config = {key: value for key, value in config_of(files).items() if key not in _IDLE_KEYS}
    code = sorted(files.folder.glob("*.py")) if files.own_code else []
    return [
        json.dumps(config, sort_keys=True, ensure_ascii=False),
        *(f"{path.name}={file_sha256(path)}" for path in code),
    ]


def _whole(path: Path, on_bytes: Callable[[int], None] | None) -> str:
    """The file's sha256, compared with the list that a training here left in its folder or, for K folds, above it."""
    sha256 = file_sha256(path, on_bytes)
    for folder in path.parents[:2]:
        expected = read_sums(folder).get(path)
        if expected not in (None, sha256):
            raise ModelError(
                f"{path.name} is not the file that the training saved",
                where=str(path),
                do=f"Restore the file, or remove {folder / SUMS} if you changed it on purpose.",
            )
    return sha256


def file_sha256(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """sha256 of a file; remembered by its path, size, inode and times, as weights are large and rarely change."""
    path = path.resolve()
    facts = path.stat()
    state = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
    memory = cache_folder("weights") / f"{_digest([str(path)])}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(memory.read_text(encoding="utf-8"))
        if known["state"] == state:
            return known["sha256"]
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            if on_bytes:
                on_bytes(len(chunk))
    _remember(memory, {"path": str(path), "state": state, "sha256": digest.hexdigest()})
    return digest.hexdigest()


def _remember(path: Path, facts: dict) -> None:
    # A cache that cannot be written costs time and nothing else.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(facts))


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
