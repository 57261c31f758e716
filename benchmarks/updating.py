"""What an update of a dataset costs beside its import (docs/decisions/updating-datasets.md).

    PYTHONPATH=$PWD python benchmarks/updating.py 200000

Imports rows of 100 words, then brings them to a state in which one row is new, one in a thousand changed and one in a
thousand gone, and takes that back. Prints seconds by the clock and of processor time, the size of the store, and the
most memory so far.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.store.connection import release
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.update_dataset import compare_dataset, undo_update, update_dataset

T = TypeVar("T")
WORDS = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
]


def row(number: int, mark: str = "") -> dict:
    """A question and an answer of 100 words."""
    words = [WORDS[(number + place) % len(WORDS)] for place in range(100)]
    return {
        "id": f"row-{number}",
        "prompt": f"question {number} {' '.join(words[:40])}",
        "completion": f"answer {number}{mark} {' '.join(words[40:])}",
    }


def write(path: Path, rows: Iterable[dict]) -> None:
    """One record a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in rows)


def timed(name: str, project: Project, act: Callable[[], T]) -> T:
    """Do it, and print what it took."""
    at, used = time.monotonic(), time.process_time()
    done = act()
    seconds, cpu = time.monotonic() - at, time.process_time() - used
    release(project.store_path)
    n_mib = project.store_path.stat().st_size >> 20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name:<8} {seconds:6.1f} s {cpu:6.1f} s CPU, store {n_mib:,} MiB, peak {peak:.2f} GiB", flush=True)
    return done


def main(n_rows: int) -> None:
    """Measure in a project that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write(path, (row(number) for number in range(n_rows)))
        print(f"{n_rows:,} rows, {path.stat().st_size >> 20:,} MiB")
        project = Project.create(Path(folder) / "project")
        timed("import", project, lambda: import_file(project, ImportSpec(str(path), "words")))
        rest = (row(n, "!" if n % 1000 == 7 else "") for n in range(n_rows) if n % 1000 != 9)
        write(path, (one for part in ((row(n_rows),), rest) for one in part))
        found = timed("compare", project, lambda: compare_dataset(project, "rows", {}))
        timed("update", project, lambda: update_dataset(project, found))
        print(f"         {found.counts.words}")
        timed("undo", project, lambda: undo_update(project, "rows"))


if __name__ == "__main__":
    main(int(sys.argv[1]))
