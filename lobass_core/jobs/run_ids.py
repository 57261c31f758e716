"""Ids of runs, r-0001, r-0002 ...: given out once, also when the folders of earlier runs have been removed.

`runs/.last-run` holds the highest number that was given out. It is written before the folder of a run appears, under a
lock, so that two processes never get the same number.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

RUN_ID = re.compile(r"r-(\d{4,})")
_LAST, _LOCK = ".last-run", ".last-run.lock"


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
        unfinished = runs_dir / f"{_LAST}.{os.getpid()}.tmp"
        unfinished.write_text(f"{number}\n", encoding="ascii")
        unfinished.replace(runs_dir / _LAST)
        yield f"r-{number:04d}"


def _last(runs_dir: Path) -> int:
    try:
        text = (runs_dir / _LAST).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0
