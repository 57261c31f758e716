"""What the scripts share that run in a trainer's own environment; it needs pyarrow alone."""

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def do_jobs(columns_of: Callable[[dict], dict[str, list]]) -> None:
    """Write the columns of each job of JOBS.json where it says, or why there are none beside that."""
    for job in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        to = Path(job["to"])
        try:
            pq.write_table(pa.table(columns_of(job)), to)
        except Exception:
            to.with_suffix(".error").write_text(traceback.format_exc(), encoding="utf-8")
