"""Time score columns where no model has scored: import, first look and selection, in seconds, with the peak memory.

    python benchmarks/score_columns.py FOLDER [--rows 1000000] [--domains 4]

The rows are those of `benchmarks/million_rows.py` without their losses; each step runs in a process of its own, as a
command does, on a file of one number a row.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from million_rows import make_project

from lobass_core.project import Project
from lobass_core.specs import ScoreFileSpec, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import browse, cut, explore
from lobass_core.workflows import select as selections
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.import_scores import import_scores
from lobass_core.workflows.status import status

# What the import by rows makes, and the steps after it look at.
COLUMN = "by row"
_UNSCORE = ("losses", "scorings", "loss_columns", "scoring_runs")


def prepare(folder: Path, n_rows: int, n_domains: int) -> Project:
    """The rows without losses, and a file of scores for each key."""
    project = make_project(folder / "project", n_rows=n_rows, n_domains=n_domains, token_rows=0)
    with project.store() as store, store.transaction() as cursor:
        for table in _UNSCORE:
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM score_columns; DELETE FROM score_values; DELETE FROM score_imports")
        rows = cursor.sql(
            "SELECT s.sample_id, d.name AS dataset, r.row_index FROM rows r JOIN samples s USING (sample_key)"
            " JOIN datasets d USING (dataset_id) ORDER BY r.row_key"
        ).to_arrow_table()
    values = pa.array(np.random.default_rng(0).normal(3, 1, rows.num_rows))
    pyarrow.csv.write_csv(
        pa.table({"dataset": rows["dataset"], "row": rows["row_index"], "q": values}), folder / "row.csv"
    )
    pyarrow.csv.write_csv(pa.table({"sample_id": rows["sample_id"], "q": values}), folder / "sample-id.csv")
    release(project.store_path)
    return project


def run_import(project: Project, folder: Path, key: str) -> None:
    import_scores(project, ScoreFileSpec(str(folder / f"{key}.csv"), f"by {key}", key=key, column="q"))


def steps(folder: Path, column: str) -> dict[str, Callable[[Project], object]]:
    spec = SelectionSpec(method=column, value=0.1, balance="equal")
    return {
        "import by row": lambda project: run_import(project, folder, "row"),
        "import by sample-id": lambda project: run_import(project, folder, "sample-id"),
        "learnability": lambda project: _look(project, column),
        "select page": lambda project: cut.pool(cut.open_cut(project, spec)),
        "browse": lambda project: browse.find(project, BrowseFilter(sort=column)),
        "select": lambda project: selections.save(project, "best", spec, replace=True),
        "status": status,
    }


def _look(project: Project, column: str) -> None:
    rows = explore.scored(project)
    explore.distribution(rows, column)
    explore.value_summaries(rows, column, "all")


def measured(folder: Path, step: str) -> dict[str, float]:
    """One step in this process."""
    project = Project.open(folder / "project")
    began = time.perf_counter()
    steps(folder, COLUMN)[step](project)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": round(seconds, 2), "peak_gib": round(peak, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--domains", type=int, default=4)
    parser.add_argument("--step", default="")
    options = parser.parse_args()
    if options.step:
        print(json.dumps(measured(options.folder, options.step)))
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    prepare(options.folder, options.rows, options.domains)
    for step in steps(options.folder, COLUMN):
        command = [sys.executable, __file__, str(options.folder), "--step", step]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(f"{step:22}{done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
