"""The recipe beside a reference's weights: everything that made it what it is."""

import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from lobass_core import __version__
from lobass_core.files.atomic_file import write_whole
from lobass_core.words.clock import utc_now

RECIPE = "recipe.json"
_PACKAGES = ("torch", "transformers", "peft", "accelerate", "tokenizers", "numpy")


def write_recipe(folder: Path, recipe: dict[str, Any]) -> None:
    """Write `recipe.json`, the last file of a reference: a folder that has it is whole."""
    write_whole(folder / RECIPE, json.dumps(recipe, ensure_ascii=False, indent=1))


def read_recipe(folder: Path) -> dict[str, Any] | None:
    """The recipe of a finished reference or fold, None of an unfinished one."""
    try:
        return json.loads((folder / RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def is_trained_here(folder: Path) -> bool:
    """Whether a folder has a model, a fold or an epoch of a reference that this program trained."""
    return any((one / RECIPE).is_file() for one in (folder, folder.parent))


def circumstances() -> dict[str, Any]:
    """When and with what: versions of everything that touches the numbers."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"made_at": utc_now(), "versions": {"lobass": __version__, "python": platform.python_version(), **versions}}
