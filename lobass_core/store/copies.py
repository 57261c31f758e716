"""Copies of the store beside itself: made before it is updated or mended, so that nothing can be lost by that."""

import errno
import re
import shutil
import subprocess
import sys
from pathlib import Path

from lobass_core.errors import StoreError
from lobass_core.files.atomic_file import whole_file

# Once for the copy, once for what is written again.
SPACE_FACTOR = 2
SPACE_BYTES = 64 << 20
_MADE_HERE = re.compile(r"store-(?P<label>v\d+|before-repair|damaged)(-\d+)?")
_REASONS = {"before-repair": "the store before a repair", "damaged": "the damaged store"}
# In its own process: a file's locks are dropped when any descriptor of it is closed, and the store must stay ours.
_COPY = """
import shutil, sys
try:
    with open(sys.argv[1], "rb") as old, open(sys.argv[2], "wb") as new:
        shutil.copyfileobj(old, new, 1 << 22)
except OSError as error:
    sys.exit(error.strerror or str(error))
"""


def check_space(path: Path, purpose: str) -> None:
    """Raises StoreError where the disk has no room for a copy of the store and the changes; `purpose` begins it."""
    needed = SPACE_FACTOR * path.stat().st_size + SPACE_BYTES
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise StoreError(
            f"{purpose}, which needs {_mib(needed)} of free space for a copy and the changes; only {_mib(free)} are "
            "free",
            where=str(path.parent),
            do="Nothing was changed. Free some space and try again.",
        )


def copy_store(path: Path, label: str, purpose: str) -> Path:
    """Copy a store that has been checkpointed as `store-LABEL.duckdb`; the copy is there whole or not at all.

    Raises:
        StoreError: it cannot be written; `purpose` begins the sentence.
    """
    copy = free_name(path, label)
    try:
        with whole_file(copy) as unfinished:
            copy_file(path, unfinished)
    except OSError as error:
        raise StoreError(
            f"{purpose}, but making a copy of it first failed: {error.strerror}",
            where=str(copy),
            do="Nothing was changed. Make the folder writable, or free some space, and try again.",
        ) from error
    return copy


def copy_file(path: Path, copy: Path) -> None:
    """Copy a file that this process may have open as a database.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-c", _COPY, str(path), str(copy)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        copy.unlink(missing_ok=True)
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise OSError(errno.EIO, reason, str(copy))


def free_name(path: Path, label: str) -> Path:
    """A name beside the store that no file has yet: `store-LABEL.duckdb`, `store-LABEL-2.duckdb` ..."""
    copy, number = path.with_stem(f"{path.stem}-{label}"), 1
    while copy.exists():
        number += 1
        copy = path.with_stem(f"{path.stem}-{label}-{number}")
    return copy


def why_kept(copy: Path) -> str:
    """What a copy that the program made is; empty for a file of anybody else's."""
    match = _MADE_HERE.fullmatch(copy.stem)
    return _REASONS.get(match["label"], "the store before an update of LoBaSS") if match else ""


def list_copies(path: Path) -> list[Path]:
    """The copies of the store beside it, latest first."""
    copies = [copy for copy in path.parent.glob(f"{path.stem}-*{path.suffix}") if copy.is_file()]
    return sorted(copies, key=lambda copy: copy.stat().st_mtime, reverse=True)


def _mib(n_bytes: int) -> str:
    return f"{-(-n_bytes // (1 << 20)):,} MiB"
