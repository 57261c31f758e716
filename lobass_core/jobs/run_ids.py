"""Ids of runs, r-0001, r-0002 ...: given out once, also when the folders of earlier runs have been removed.

`runs/.project` holds the id of the project whose runs these are, as its store says, for lists that need no store.

`runs/.last-run` holds the highest number that was given out. It is written before the folder of a run appears, under a
lock, so that two processes never get the same number.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from lobass_core.files.atomic_file import write_whole

RUN_ID = re.compile(r"r-(\d{4,})")
_LAST, _LOCK, _PROJECT = ".last-run", ".last-run.lock", ".project"


def number_of(run_id: str) -> int:
    """The number of a run id, 0 for any other text."""
    match = RUN_ID.fullmatch(run_id)
    return int(match[1]) if match else 0


@contextmanager
def next_run_id(runs_dir: Path, after: int = 0) -> Iterator[str]:
    """The next id; nobody else gets one inside the block.

    `after` is the highest number that somebody else knows of: the store, whose record outlives the folders.
    """
    with FileLock(runs_dir / _LOCK):
        folders = (number_of(entry.name) for entry in runs_dir.iterdir())
        number = max(_last(runs_dir), after, *folders, 0) + 1
        write_whole(runs_dir / _LAST, f"{number}\n")
        yield f"r-{number:04d}"


def project_id_in(runs_dir: Path) -> str:
    """The id of the project whose runs these are; empty where it is not known."""
    try:
        return (runs_dir / _PROJECT).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def keep_project_id(runs_dir: Path, project_id: str) -> None:
    """Write the project's id beside its runs, unless it stands there."""
    if project_id_in(runs_dir) != project_id:
        write_whole(runs_dir / _PROJECT, f"{project_id}\n")


def _last(runs_dir: Path) -> int:
    try:
        text = (runs_dir / _LAST).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0
