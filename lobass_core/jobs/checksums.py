"""A checksum beside each file that losses, tokens or inputs stand in, written with it and checked before it is read.

    shards/base-00000.parquet
    shards/base-00000.parquet.sha256      the line of `sha256sum`, which `sha256sum -c` reads

The checksum is on the disk before its file appears: a kill between the two leaves a checksum without a file, or beside
an older file that it does not fit, which is then computed again. A file without a checksum is older than this program.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lobass_core.errors import RunError
from lobass_core.files.atomic_file import put_in_place, unfinished_file, write_whole

SUFFIX = ".sha256"
_LINE = re.compile(r"([0-9a-f]{64}) [ *][^\n]+\n?")


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """One file and what its checksum says; `unchecked` has none. `reason` says what is wrong with a damaged one.

    `sha256` is that of the content, empty where the file could not be read.
    """

    path: Path
    verdict: Literal["good", "damaged", "unchecked"]
    sha256: str = ""
    reason: str = ""


# Files that were good when they were last read, by path, size, inode and time of the last change.
_good: dict[Path, tuple[int, int, int]] = {}


def checksum_path(path: Path) -> Path:
    """Where the checksum of that file stands."""
    return path.with_name(path.name + SUFFIX)


def write_checked(path: Path, data: bytes | memoryview) -> str:
    """Write a file and its checksum, each whole or not at all, also after a power cut; returns the sha256.

    The checksum is of the bytes in memory, so that it also tells of a disk that writes others.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished_file(path) as unfinished:
        unfinished.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        write_checksum(path, sha256)
        put_in_place(unfinished, path)
    return sha256


def seal(unfinished: Path, path: Path) -> str:
    """Give a file that was written under another name its checksum and its place; returns the sha256."""
    with unfinished.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    write_checksum(path, sha256)
    put_in_place(unfinished, path)
    return sha256


def write_checksum(path: Path, sha256: str) -> None:
    """Write the checksum of a file, whole or not at all."""
    write_whole(checksum_path(path), f"{sha256}  {path.name}\n")


def expected_sha256(path: Path) -> str | None:
    """What the checksum beside a file says: None where there is none, empty where it cannot be read."""
    try:
        text = checksum_path(path).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    except OSError:
        return ""
    match = _LINE.fullmatch(text)
    return match[1] if match else ""


def check_bytes(path: Path, data: bytes, on_record: str | None = None) -> CheckedFile:
    """Whether those bytes are the file's by its checksum or, where it has none, by the sha256 on record."""
    return _judged(path, hashlib.sha256(data).hexdigest(), on_record)


def check_file(path: Path, on_record: str | None = None) -> CheckedFile:
    """Read a file whole and say whether it is what was written; `on_record` as for `check_bytes`."""
    try:
        with path.open("rb") as file:
            return _judged(path, hashlib.file_digest(file, "sha256").hexdigest(), on_record)
    except OSError as error:
        return CheckedFile(path, "damaged", reason=error.strerror or type(error).__name__)


def require_good(path: Path) -> None:
    """Read a file whole once and compare it with its checksum; a file that has not changed since costs one `stat`.

    Raises:
        RunError: it is damaged; the sentence names the file.
        FileNotFoundError: there is no such file.
    """
    facts = path.stat()
    state = facts.st_size, facts.st_ino, facts.st_mtime_ns
    if _good.get(path) == state:
        return
    checked = check_file(path)
    if checked.verdict == "damaged":
        raise RunError(f"{path.name} is damaged: {checked.reason}", where=str(path))
    _good[path] = state


def is_good(path: Path) -> bool:
    """Whether the file is there and not damaged."""
    try:
        require_good(path)
    except (RunError, OSError):
        return False
    return True


def remove_checked(path: Path) -> None:
    """Remove a file and its checksum."""
    path.unlink(missing_ok=True)
    checksum_path(path).unlink(missing_ok=True)


def _judged(path: Path, sha256: str, on_record: str | None) -> CheckedFile:
    expected = expected_sha256(path)
    if expected is None:
        expected = on_record
    if expected is None:
        return CheckedFile(path, "unchecked", sha256)
    if sha256 == expected:
        return CheckedFile(path, "good", sha256)
    what = "its checksum file cannot be read" if not expected else "its content does not match its checksum"
    return CheckedFile(path, "damaged", sha256, what)
