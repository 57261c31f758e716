"""Where files are being written outside of the project, so that `doctor` finds what a killed process leaves there.

PROJECT/.writing/4711.0123abcd    the destination, as long as process 4711 writes it
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from lobass_core.files.atomic_file import write_whole
from lobass_core.project import Project

WRITING = ".writing"


@dataclass(frozen=True, slots=True)
class KilledOutput:
    """The note of a process that was killed while it wrote, and what it left beside its destination."""

    note: Path
    left: tuple[Path, ...]


@contextmanager
def noted(project: Project, *destinations: Path) -> Iterator[None]:
    """Keep a note of every destination outside of the project while the block writes it.

    A project that can only be read takes no note.
    """
    notes: list[Path] = []
    try:
        if not project.is_read_only:
            for path in map(_absolute, destinations):
                if not path.is_relative_to(project.root):
                    notes.append(_note(project, path))
        yield
    finally:
        for note in notes:
            note.unlink(missing_ok=True)
        if notes:
            with suppress(OSError):
                notes[0].parent.rmdir()


def killed_outputs(project: Project) -> Iterator[KilledOutput]:
    """What processes that are gone were writing outside of the project."""
    for note in sorted((project.root / WRITING).glob("[0-9]*")):
        pid = note.name.partition(".")[0]
        if not pid.isdecimal() or psutil.pid_exists(int(pid)):
            continue
        with suppress(OSError, ValueError):
            yield KilledOutput(note, tuple(_beside(Path(note.read_text("utf-8", errors="surrogateescape")), pid)))


def _note(project: Project, destination: Path) -> Path:
    note = project.root / WRITING / f"{os.getpid()}.{os.urandom(4).hex()}"
    note.parent.mkdir(exist_ok=True)
    write_whole(note, str(destination))
    return note


def _beside(destination: Path, pid: str) -> Iterator[Path]:
    """The unfinished file or folders that this very process left beside a destination."""
    pattern = re.compile(rf"\.{re.escape(destination.name)}\.{pid}\.(tmp|[a-z0-9_]{{8}}(\.old)?\.lobass)")
    with suppress(OSError):
        yield from sorted(path for path in destination.parent.iterdir() if pattern.fullmatch(path.name))


def _absolute(path: Path) -> Path:
    return Path(os.path.realpath(path.expanduser()))
