"""GGUF files: one file that holds weights in blocks of few bits, settings and tokenizer; transformers unpacks them."""

import functools
import importlib.util
import math
import re
from pathlib import Path

from lobass_core.errors import ModelError, cause_of

_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)


def check_gguf(path: Path) -> None:
    """Check that a GGUF file can be read here.

    Raises:
        ModelError: the optional package is missing, the file is none, or it is one part of several.
    """
    if importlib.util.find_spec("gguf") is None:
        raise ModelError(
            "reading a .gguf file needs the package gguf", where=str(path), do="Install it: pip install 'lobass[gguf]'."
        )
    if _PART.search(path.name):
        raise ModelError(
            "the file is one part of a GGUF model", where=str(path), do="Join the parts: llama-gguf-split --merge."
        )
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError("the file is not in GGUF format", where=str(path), do="Download it again.")


def gguf_config(path: Path) -> dict:
    """The settings that transformers reads from a GGUF file, as in a config.json.

    Raises:
        ModelError: transformers cannot read them.
    """
    return _config(path, path.stat().st_mtime_ns)


def gguf_n_parameters(path: Path) -> int:
    """How many numbers a GGUF file holds.

    Raises:
        ModelError: its list of tensors cannot be read.
    """
    return _n_parameters(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _config(path: Path, _changed_at: int) -> dict:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(path.parent, gguf_file=path.name).to_dict()
    except Exception as error:
        raise ModelError(f"transformers cannot read the GGUF file: {cause_of(error)}", where=str(path)) from error


@functools.lru_cache(maxsize=8)
def _n_parameters(path: Path, _changed_at: int) -> int:
    from transformers.integrations.gguf.reader import GgufHeader

    try:
        return sum(math.prod(tensor.shape) for tensor in GgufHeader.from_file(str(path)).tensors)
    except Exception as error:
        raise ModelError(f"the GGUF file cannot be read: {cause_of(error)}", where=str(path)) from error
