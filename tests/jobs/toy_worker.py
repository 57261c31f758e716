"""A worker without a model: writes one shard a number, slowly, and resumes after those that are there."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lobass_core.jobs.progress import ErrorNote, Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_kinds import KINDS, RunKind
from lobass_core.words.clock import utc_now


@dataclass(frozen=True, slots=True)
class ToySpec:
    """`fail_at` is a shard number, or None."""

    n_shards: int = 6
    seconds_a_shard: float = 0.02
    fail_at: int | None = None


@dataclass(frozen=True, slots=True)
class ToyResult:
    """Shards of the run, and how many of them an earlier worker had written."""

    n_shards: int
    n_found: int


KINDS["toy"] = RunKind(ToySpec, ToyResult, reads_input=False)


def main(run: RunFolder) -> None:
    """Do the run."""
    spec = run.spec_as(ToySpec)
    with run.hold_lock():
        done = {path.stem for path in run.finished_shards()}
        n_shards = spec.n_shards
        for number in range(n_shards):
            if run.cancel_requested():
                run.write_progress(Progress(state="cancelled", n_done=number, n_total=n_shards, finished_at=utc_now()))
                return
            if number == spec.fail_at:
                note = ErrorNote("the toy broke", where=f"shard {number}", do="Buy another.")
                run.write_progress(Progress(state="failed", error=note, n_done=number, n_total=n_shards))
                return
            if f"{number:03d}" not in done:
                time.sleep(spec.seconds_a_shard)
                run.write_shard(f"{number:03d}", pa.table({"number": [number] * 3}))
                print("wrote", number, flush=True)
            run.write_progress(Progress(state="running", n_done=number + 1, n_total=n_shards, heartbeat_at=utc_now()))
        run.write_result(ToyResult(n_shards, len(done)))
        run.write_progress(Progress(state="done", n_done=n_shards, n_total=n_shards, finished_at=utc_now()))


if __name__ == "__main__":
    main(RunFolder.open(Path(sys.argv[1])))
