"""A disk that is full: a small tmpfs where one may be mounted, else a limit on the size of a file."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.faults.processes import Task

ROOMY_BYTES = 1 << 30


@cache
def can_mount(folder: Path) -> bool:
    """Whether this process may mount a tmpfs there."""
    folder.mkdir(parents=True, exist_ok=True)
    if not _mount(folder, "size=1m"):
        return False
    subprocess.run(["umount", str(folder)], check=True)
    return True


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A tmpfs at the folder for the length of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    assert _mount(folder, f"size={ROOMY_BYTES}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def leave_free(folder: Path, n_bytes: int) -> None:
    """Make the mounted disk so small that this much is free."""
    assert _mount(folder, f"remount,size={_used_bytes(folder) + n_bytes}")


def make_room(folder: Path) -> None:
    """Make the mounted disk large again."""
    assert _mount(folder, f"remount,size={ROOMY_BYTES}")


def with_short_files(task: Task, n_bytes: int) -> Task:
    """The task where no file may grow beyond that."""
    return replace(task, max_file_bytes=n_bytes)


def _mount(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _used_bytes(folder: Path) -> int:
    total, free = _sizes(folder)
    return total - free


def _sizes(folder: Path) -> tuple[int, int]:
    from os import statvfs

    found = statvfs(folder)
    return found.f_blocks * found.f_frsize, found.f_bfree * found.f_frsize
