"""Whether a project may be written, and what is said where it may only be read."""

import os
import shlex
from pathlib import Path

from lobass_core.errors import DamagedStoreError, ReadOnlyError
from lobass_core.files import read_only

_COPY = "Copy the project to a place where you can write, or make its folder and store writable."
_REOPEN = "To change it, remove --read-only and unset LOBASS_READ_ONLY."
# What DuckDB and the system say of a file that may not be opened or made.
_REFUSALS = ("Permission denied", "Read-only file system", "Operation not permitted")
# The rights of the user that the process acts as, where the system can tell them from those of who started it.
_AS_ACTING_USER = os.access in os.supports_effective_ids


def may_write(store_path: Path) -> bool:
    """Whether the store and its folder can be written, and nobody asked to read only.

    A log appears beside the store with every write.
    """
    if read_only.is_asked_for():
        return False
    paths = (store_path, store_path.parent) if store_path.exists() else (store_path.parent,)
    return all(os.access(path, os.W_OK, effective_ids=_AS_ACTING_USER) for path in paths)


def read_only_error(store_path: Path) -> ReadOnlyError:
    """What is raised by whatever has to write."""
    if read_only.is_asked_for():
        return ReadOnlyError("the project is opened read-only", where=str(store_path.parent), do=_REOPEN)
    return ReadOnlyError("the project is read-only", where=str(store_path.parent), do=_COPY)


def damaged_error(store_path: Path, what: str) -> DamagedStoreError:
    """What is raised where a store, or a part of it, cannot be read."""
    do = f"Run lobass doctor --project {shlex.quote(str(store_path.parent))} to see what can be recovered."
    return DamagedStoreError(what, where=str(store_path), do=do)


def is_refusal(error: BaseException) -> bool:
    """Whether the system did not allow a file to be opened or written."""
    return any(words in str(error) for words in _REFUSALS)
