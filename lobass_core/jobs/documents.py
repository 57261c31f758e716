"""The small JSON files of a run folder as typed, versioned dataclasses, checked where they are read.

Version 1 says no version: commit 7975886 and earlier wrote it. Fields of a newer program are passed over in what a run
says of itself; in what a run is asked to do they are refused, because leaving out a setting changes the numbers.
"""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lobass_core.errors import LobassError, RunError
from lobass_core.files.atomic_file import write_whole
from lobass_core.specs.base import with_present_names

VERSION = 2

Document = TypeVar("Document")


def read_json(path: Path) -> dict[str, Any]:
    """The file's JSON object, of this version or an older one.

    Raises:
        FileNotFoundError: there is no such file.
        RunError: the file is no JSON object, or of a newer version; the sentence names file and run.
    """
    name = f"{path.name} of run {path.parent.name}"
    try:
        values = json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise
    except IsADirectoryError as error:
        raise RunError(f"{name} is a folder", where=str(path)) from error
    except OSError as error:
        raise RunError(f"{name} cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise RunError(f"{name} is not UTF-8 text", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{name} is incomplete or not JSON", where=str(path)) from error
    if not isinstance(values, dict):
        raise RunError(f"{name} is not a JSON object", where=str(path))
    version = values.get("version", 1)
    if not isinstance(version, int):
        raise RunError(f"{name} has a version that is not a number", where=str(path))
    if version > VERSION:
        raise RunError(
            f"{name} was written by a newer version of LoBaSS (version {version}; this program reads {VERSION})",
            where=str(path),
            do="Update LoBaSS.",
        )
    return with_present_names(values)


def to_document(values: Any, kind: type[Document], path: Path) -> Document:
    """The values as a dataclass.

    Raises:
        RunError: a field is missing or of another type, or a setting is not allowed; the sentence names file and run.
    """
    name = f"{path.name} of run {path.parent.name}"
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise RunError(f"{name} has an unknown layout: {error}", where=str(path)) from error
    except LobassError as error:
        raise RunError(f"{name} contains an invalid setting: {error.what}", where=str(path)) from error


def to_json(document: Any, indent: int | None = None) -> str:
    """The dataclass as JSON text with its version first."""
    return json.dumps({"version": VERSION, **msgspec.to_builtins(document)}, ensure_ascii=False, indent=indent)


def replace_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name, fsync it, and rename it into place.

    Raises:
        RunError: a folder stands in its place.
    """
    try:
        write_whole(path, text)
    except IsADirectoryError as error:
        raise RunError(
            f"{path.name} of run {path.parent.name} is a folder",
            where=str(path),
            do="Remove it, then resume the run.",
        ) from error
