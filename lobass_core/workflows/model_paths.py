"""Whether a named model can exist, checked before anything is copied or started."""

import re
from pathlib import Path

from lobass_core.errors import LobassError, ModelError
from lobass_core.specs import ModelSpec, ScoreSpec

# org/name, or one word as the first models of the hub have.
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")
MOST_NAMED = 5


def why_not(spec: ScoreSpec) -> LobassError | None:
    """Why a scoring cannot be started; None where its models may be there."""
    reasons = (why_no_model(model) for model in spec.models)
    return next((error for error in reasons if error), None)


def why_no_model(model: ModelSpec) -> LobassError | None:
    """Why a model cannot be there: no such folder or file, a folder without a model, neither a path nor a hub id.

    None says that it may be: whether a hub id exists only the hub knows, and weights are looked at when they are read.
    """
    return _why_no_folder(model.path) or (_why_no_folder(model.adapter) if model.adapter else None)


def _why_no_folder(named: str) -> LobassError | None:
    try:
        place = Path(named).expanduser()
        is_file, is_folder = place.is_file(), place.is_dir()
    except (OSError, RuntimeError, ValueError):
        return ModelError("this is not a path", where=repr(named[:200]), do="Use a folder, a .gguf file or a Hub id.")
    if is_folder:
        return _why_no_model_in(place)
    if is_file:
        if place.suffix.lower() == ".gguf":
            return None
        return ModelError(
            "a model is a folder or a .gguf file", where=named, do="Use the folder that contains the file."
        )
    # "models/base" beside a folder "models" is a mistyped path rather than an organisation on the hub.
    beside_folder = bool(place.parent.parts) and place.parent.is_dir()
    if HUB_ID.fullmatch(named) and place.suffix.lower() != ".gguf" and not beside_folder:
        return None
    return ModelError(
        "there is no such model folder", where=named, do="Check the path. A Hub id has the form org/name."
    )


def _why_no_model_in(folder: Path) -> LobassError | None:
    if any((folder / name).is_file() for name in ("config.json", "adapter_config.json")) or any(folder.glob("*.gguf")):
        return None
    inside = sorted(path.parent.name for path in folder.glob("*/config.json"))[:MOST_NAMED]
    return ModelError(
        "this folder contains no model: config.json is missing",
        where=str(folder),
        do=f"Did you mean a folder in it: {', '.join(inside)}?" if inside else "Use the folder of a model.",
    )
