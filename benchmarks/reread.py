"""What it costs to read the records of an old store again when it is first opened (docs/decisions/migrations.md).

    PYTHONPATH=$PWD python benchmarks/reread.py 100000

Imports rows of 140 words, then reads them again: where all read as before, where one in ten reads otherwise, where all
do. Prints seconds of processor time and by the clock.
"""

import json
import random
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from lobass_core.project import Project
from lobass_core.records import Sample, Turn
from lobass_core.specs import ImportSpec
from lobass_core.store import migrations, reread
from lobass_core.store.connection import release
from lobass_core.workflows.import_data import import_file

WORDS = 140


def write_rows(path: Path, n_rows: int) -> None:
    """Alpaca records of random words."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(2, 9))) for _ in range(5000)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(n_rows):
            text = rng.choices(words, k=WORDS)
            row = {"instruction": f"{number} {' '.join(text[:20])}", "input": "", "output": " ".join(text[20:])}
            file.write(json.dumps(row) + "\n")


def changed(share: float, number: int) -> object:
    """A reader by which that share of the records has one more exchange."""
    rng, real = random.Random(number), reread.parse_row

    def read(value: object, detection: object) -> object:
        found = real(value, detection)  # type: ignore[arg-type]
        if rng.random() >= share:
            return found
        more = (Turn("user", f"And {number}?"), Turn("assistant", "Yes."))
        return SimpleNamespace(sample=Sample.of([*found.sample.turns, *more]))

    return read


def main(n_rows: int) -> None:
    """Measure in a project that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write_rows(path, n_rows)
        project = Project.create(Path(folder) / "project")
        import_file(project, ImportSpec(str(path), "words"))
        real = reread.parse_row
        for number, share in enumerate((0.0, 0.1, 1.0)):
            reread.parse_row = changed(share, number)  # type: ignore[assignment]
            clock, processor = time.monotonic(), time.process_time()
            with project.store() as store, store.transaction() as cursor:
                migrations.reread(cursor, project.root)
            clock, processor = time.monotonic() - clock, time.process_time() - processor
            reread.parse_row = real
            print(f"{n_rows:,} rows, {share:.0%} read otherwise: {processor:.1f} s of processor, {clock:.1f} s")
        release(project.store_path)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
