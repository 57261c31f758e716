"""Scoring runs over a small random model, for the worker's tests."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.records import Sample, Turn, turns_to_json
from lobass_core.specs import ModelSpec, RenderSpec, ScoreSpec
from lobass_core.worker import scoring_pass
from lobass_core.worker.__main__ import main

PRELOADED = (
    "lobass_core.worker.__main__",
    "lobass_core.worker.score_job",
    "lobass_core.worker.train_job",
    "transformers.models.llama.modeling_llama",
    "transformers.trainer",
    "tests.worker.runs",
)
_forks = multiprocessing.get_context("forkserver")


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


def start(run: RunFolder, **environment: str) -> "Started":
    """Start the run's worker in a process of its own, its words in the run's log.

    It is forked from one that has imported torch, which takes seconds; what it is told of the environment it is told
    there, and nowhere else.
    """
    run.clear_cancel()
    _forks.set_forkserver_preload([*PRELOADED])
    process = _forks.Process(target=_become, args=(str(run.path), str(run.log_path), environment))
    with patch.dict(os.environ, {"OMP_NUM_THREADS": "1"}):
        process.start()
    return Started(process)


class Started:
    """A worker that was started, asked as a `subprocess.Popen` is."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises TimeoutError where it does not end in time."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError(f"worker {self.pid} has not ended in {timeout} s")
        return self._process.exitcode


def _become(folder: str, log: str, environment: dict[str, str]) -> None:
    """Be the worker of the run in that folder."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    if "LOBASS_SHARD_SAMPLES" in environment:
        scoring_pass.SHARD_SAMPLES = int(environment["LOBASS_SHARD_SAMPLES"])
    sys.exit(main([folder]))


def work(run: RunFolder) -> int:
    """Do the run in this process, which spares a test the import of torch; the worker's exit code."""
    run.clear_cancel()
    before = signal.getsignal(signal.SIGTERM)
    try:
        return main([str(run.path)])
    finally:
        signal.signal(signal.SIGTERM, before)


def kill_when(process: Started, condition: Callable[[], bool], seconds: float = 300) -> bool:
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
