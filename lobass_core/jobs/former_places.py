"""Where a project's folder has been: paths into it that were written when it lay elsewhere lead to where it is now.

`runs/.places` holds the folders in which the project has been opened to be written, as a JSON list, the latest last. A
project that was moved or copied, or has come from another machine, so finds its own models, uploads and exports again,
and never reaches for those of the project that it is a copy of.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from lobass_core.files.atomic_file import write_whole

_PLACES = ".places"
# More than a project moves; a damaged list does not grow.
MOST_PLACES = 50


def former_places(root: Path) -> tuple[str, ...]:
    """The folders in which the project has lain before, the longest path first."""
    here = str(root)
    return tuple(sorted((place for place in _read(root / "runs" / _PLACES) if place != here), key=len, reverse=True))


def keep_place(root: Path) -> None:
    """Write down that the project lies here, unless that stands there; nothing where it has no runs folder."""
    path, here = root / "runs" / _PLACES, str(root)
    places = _read(path)
    if places[-1:] == [here]:
        return
    kept = [*(place for place in places if place != here), here][-MOST_PLACES:]
    with suppress(OSError):
        write_whole(path, json.dumps(kept))


def at_home(value: Any, root: Path, former: tuple[str, ...] | None = None) -> Any:
    """A JSON value with each text that is a path into a former place of the project as the path into `root`."""
    places = former_places(root) if former is None else former
    return _moved(value, str(root), places) if places else value


def _moved(value: Any, here: str, former: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return _path(value, here, former)
    if isinstance(value, dict):
        return {key: _moved(one, here, former) for key, one in value.items()}
    if isinstance(value, list):
        return [_moved(one, here, former) for one in value]
    return value


def _path(text: str, here: str, former: tuple[str, ...]) -> str:
    if not text.startswith(os.sep) or text == here or text.startswith(here + os.sep):
        return text
    for place in former:
        if text == place or text.startswith(place + os.sep):
            return here + text[len(place) :]
    return text


def _read(path: Path) -> list[str]:
    try:
        places = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    is_list = isinstance(places, list) and all(isinstance(place, str) and len(place) > 1 for place in places)
    return places[:MOST_PLACES] if is_list else []
