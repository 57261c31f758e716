"""The recipe next to the weights of a model that was trained here, checked when it is read."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from lobass_core.errors import LobassError, ModelError
from lobass_core.files.named_files import read_small
from lobass_core.jobs.former_places import at_home
from lobass_core.specs import TrainReferenceSpec
from lobass_core.specs.base import with_present_names
from lobass_core.workflows.reference_folders import model_folders

RECIPE = "recipe.json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the program reads of a recipe; `spec` is None of a model that is no reference, `values` is all of it."""

    spec: TrainReferenceSpec | None = None
    method: str = ""
    base: str = ""
    n_samples: int = 0
    held_out_loss_before: float | None = None
    held_out_loss_after: float | None = None
    made_at: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def read_recipe(folder: Path) -> Recipe:
    """The recipe in a model's folder.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    path = folder / RECIPE
    try:
        values = with_present_names(at_home(json.loads(read_small(path).decode("utf-8")), folder.parent.parent))
        return replace(msgspec.convert(values, Recipe), values=values)
    except (OSError, ValueError, RecursionError, msgspec.ValidationError, LobassError) as error:
        raise ModelError(
            f"the recipe of {folder.name!r} cannot be read: {str(error).splitlines()[0]}",
            where=str(path),
            do="Restore it from a backup, or train the reference again under another name.",
        ) from error


def lacks_weights(folder: Path) -> bool:
    """Whether the folder of a model that was trained has its recipe alone, as a bundle brings it."""
    if not (folder / RECIPE).is_file():
        return False
    names = ("config.json", "adapter_config.json")
    return not all(any((one / name).is_file() for name in names) for one in model_folders(folder))
