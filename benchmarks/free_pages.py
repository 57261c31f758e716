"""What gives back the pages that deleted rows have left in a DuckDB file: `python benchmarks/free_pages.py`."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from lobass_core.store.compact import compact

ROWS = 1_000_000
TABLE = "CREATE TABLE t{0} AS SELECT range AS i, md5(range::VARCHAR || '{0}') AS a, md5((range + 7)::VARCHAR) AS b "


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        connection = duckdb.connect(str(path))
        for number in range(4):
            connection.execute(f"{TABLE.format(number)} FROM range({ROWS})")
        timed("four tables", path, lambda: connection.execute("CHECKPOINT"))
        connection.execute("DELETE FROM t0")
        connection.execute("DELETE FROM t2 WHERE i % 2 = 0")
        timed("one emptied, one halved, CHECKPOINT", path, lambda: connection.execute("CHECKPOINT"))
        timed("VACUUM and CHECKPOINT", path, lambda: connection.execute("VACUUM; CHECKPOINT"))
        connection.close()
        timed("written anew", path, lambda: compact(path))


def timed(what: str, path: Path, step: Callable[[], object]) -> None:
    started = time.perf_counter()
    step()
    print(f"{what}: {path.stat().st_size / 2**20:.0f} MiB after {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
