"""Files that a person or a downloaded folder names: only regular ones are opened, and short ones are read whole.

A FIFO, a device or a socket may never end, or never begin; so a file's kind is asked before it is opened.
"""

import os
import stat
from pathlib import Path

from lobass_core.errors import InputFileError

MAX_SMALL_BYTES = 64 << 20

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def irregular_kind(path: Path) -> str:
    """What the path is if it is a special file, links followed, in words; "" for a regular file.

    Raises:
        OSError: there is nothing, or it cannot be asked.
    """
    mode = path.stat().st_mode
    return "" if stat.S_ISREG(mode) else next((name for test, name in _KINDS if test(mode)), "a special file")


def check_regular(path: Path) -> None:
    """Refuse what is a special file.

    Raises:
        InputFileError: it is a folder, a pipe, a device or a socket.
        OSError: there is nothing, or it cannot be asked.
    """
    if kind := irregular_kind(path):
        do = "Use a file in it." if kind == "a folder" else "Write the data to a file, and use that."
        raise InputFileError(f"this is {kind}, not a file", where=str(path), do=do)


def read_small(path: Path, most_bytes: int = MAX_SMALL_BYTES) -> bytes:
    """The whole of a short file.

    Raises:
        InputFileError: it is a special file, or longer than `most_bytes`.
        OSError: there is nothing, or it cannot be read.
    """
    check_regular(path)
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise InputFileError(
            f"the file is larger than {size_text(most_bytes)}", where=str(path), do="Check that it is the right file."
        )
    return data


def size_text(n_bytes: int) -> str:
    """A number of bytes for people, 1 MB being 1,048,576 bytes."""
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if n_bytes >= size:
            return f"{n_bytes / size:,.0f} {unit}" if n_bytes % size == 0 else f"{n_bytes / size:,.1f} {unit}"
    return f"{n_bytes:,} bytes"


def is_there(path: Path) -> bool:
    """Whether something lies at the path, of whatever kind; a link that leads nowhere is nothing."""
    return os.path.exists(path)  # noqa: PTH110 (Path.exists raises for a name that is too long)
