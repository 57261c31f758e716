"""What DuckDB refuses, in our words: the disk is full, the file is damaged, another process holds it."""

import errno
import re
from pathlib import Path

import duckdb
import psutil

from lobass_core.errors import StoreError
from lobass_core.store.access import damaged_error, is_refusal

_NO_LOCK = "Could not set lock"


def is_full(error: BaseException) -> bool:
    """Whether the disk, or its owner's share of it, is full."""
    return "No space left" in str(error) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def store_error(error: BaseException, path: Path) -> StoreError:
    """Why a statement on an open store failed."""
    text = str(error).splitlines()[0]
    if is_full(error):
        return StoreError(
            "the disk is full", where=str(path), do="This step saved nothing. Free some space and run it again."
        )
    if text.startswith("Corrupt database file"):
        return damaged_error(path, "the store is damaged")
    return StoreError(f"the store reported an error: {text}", where=str(path), do="This step saved nothing.")


def cannot_open(error: duckdb.Error, path: Path) -> StoreError:
    """Why a store could not be opened, where nobody holds it."""
    text = str(error).splitlines()[0]
    if is_full(error):
        return StoreError("the disk is full", where=str(path), do="Free some space and try again.")
    if is_refusal(error):
        return StoreError(
            "the store cannot be read: permission denied",
            where=str(path),
            do="Ask its owner for read access to the project folder.",
        )
    if _NO_LOCK in text:
        return StoreError(
            f"the store cannot be locked: {text.rpartition(': ')[2]}",
            where=str(path),
            do="Its file system does not support locks: copy the project to a local disk.",
        )
    if "storage version" in text:
        return StoreError(
            "the store was written by a newer DuckDB and cannot be read with this one",
            where=str(path),
            do="Update LoBaSS and its libraries.",
        )
    return damaged_error(path, f"the store cannot be opened: {text}")


def holder_of(message: str) -> str | None:
    """Who holds the lock, from DuckDB's message; None if the message is about something else."""
    if "Unique file handle conflict" in message:
        return "this program, which is compacting it"
    if _NO_LOCK not in message or "Conflicting lock" not in message:
        return None
    match = re.search(r"PID (\d+)", message)
    if not match:
        return "another process"
    pid = int(match[1])
    try:
        name = psutil.Process(pid).name()
    except psutil.Error:
        name = "a process"
    return f"{name}, PID {pid}"
