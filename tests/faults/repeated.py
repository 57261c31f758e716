"""How much of a stage's work a kill made undone, as a share of the whole: 0 where all of it was kept."""

import json
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from lobass_core.jobs.run_folder import RunFolder
from tests.faults.snapshot import Snapshot, compare, snapshot


def repeated_share(folder: Path, stage: str, after: Snapshot) -> float:
    """Right after the kill, before anything else opens the project.

    Of a scoring or a training it is what progress.json, written twice a second, had counted beyond the last shard or
    checkpoint. The others write in one transaction: all of their work is kept, or it is done again.
    """
    if stage in ("score", "train-reference"):
        run = RunFolder.open(folder / "project" / "runs" / "r-0001")
        progress = run.read_progress()
        if not progress.n_total:
            return 0.0
        kept = _scored(run) if stage == "score" else _trained(run) * progress.n_total
        return max(0.0, progress.n_done - kept) / progress.n_total
    with suppress(duckdb.Error):
        if compare(after, snapshot(folder)).nothing:
            return 0.0
    return 1.0


def _scored(run: RunFolder) -> int:
    return sum(pq.read_metadata(path).num_rows for path in run.finished_shards())


def _trained(run: RunFolder) -> float:
    """The share of the steps that the last checkpoint holds, or all once the model stands in the staging folder."""
    if (run.path / "model").is_dir() or not (run.path / "checkpoints").is_dir():
        return 1.0
    states = (json.loads(path.read_text()) for path in run.path.glob("checkpoints/*/*/trainer_state.json"))
    return max((state["global_step"] / state["max_steps"] for state in states), default=0.0)
