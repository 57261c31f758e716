"""Scoring runs over a small random model, for the worker's tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.records import Sample, Turn, turns_to_json
from lobass_core.specs import ModelSpec, RenderSpec, ScoreSpec
from lobass_core.worker.__main__ import main


def samples(n: int, words: int = 6) -> list[Sample]:
    """Different short conversations of different lengths."""
    return [
        Sample.of(
            [Turn("user", f"Count to {i}."), Turn("assistant", " ".join(str(j * i) for j in range(1 + i % words)))]
        )
        for i in range(n)
    ]


def score_run(folder: Path, chosen: list[Sample], base: Path, *references: ModelSpec, **settings) -> RunFolder:
    """A scoring run that is ready to be worked on."""
    kind = settings.pop("kind", "score")
    render = settings.pop("render", RenderSpec("plain"))
    spec = ScoreSpec(base=ModelSpec(str(base)), references=references, render=render, device="cpu", **settings)
    run = RunFolder.create(folder, kind, spec)
    write_input(run, chosen)
    return run


def write_input(run: RunFolder, chosen: list[Sample]) -> None:
    """The run's input.parquet."""
    columns = {
        "sample_id": [sample.sample_id for sample in chosen],
        "kind": [sample.kind for sample in chosen],
        "turns": [turns_to_json(sample.turns) for sample in chosen],
        "tools": pa.array([sample.tools for sample in chosen], pa.string()),
        "domain": ["math"] * len(chosen),
    }
    pq.write_table(pa.table(columns), run.input_path)


def start(run: RunFolder, **environment: str) -> subprocess.Popen:
    """Start the run's worker as its own process, its words in the run's log."""
    run.clear_cancel()
    with run.log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "lobass_core.worker", str(run.path)],
            stdout=log,
            stderr=log,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )


def work(run: RunFolder) -> int:
    """Do the run in this process, which spares a test the import of torch; the worker's exit code."""
    run.clear_cancel()
    before = signal.getsignal(signal.SIGTERM)
    try:
        return main([str(run.path)])
    finally:
        signal.signal(signal.SIGTERM, before)


def kill_when(process: subprocess.Popen, condition: Callable[[], bool], seconds: float = 300) -> bool:
    """kill -9 the worker once the condition holds; False when it ended before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if condition():
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.002)
    assert process.poll() is not None, "the condition never came"
    return False


def losses_of(run: RunFolder) -> dict[tuple[str, str], tuple]:
    """(sample, model) -> what its shard says; fails where a loss was written twice."""
    found: dict[tuple[str, str], tuple] = {}
    for path in run.finished_shards():
        for row in pq.read_table(path).to_pylist():
            key = (row["sample_id"], row["model_fp"])
            assert key not in found, f"{key} stands in two shards"
            found[key] = (row["loss_sum_nats"], row["n_tokens"], row["status"], tuple(row["token_nlls"]))
    return found
