"""Several processes render what one does; a process that dies is an error in words, and none outlives the worker."""

import os
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.records import Sample, Turn
from lobass_core.specs import ModelSpec
from lobass_core.worker import samples as sample_reading
from lobass_core.worker import tokenising
from tests.worker.runs import losses_of, samples, score_run, work

pytestmark = pytest.mark.slow


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven samples a chunk, so that a few dozen samples are several chunks."""
    monkeypatch.setattr(tokenising, "read_samples", lambda path: sample_reading.read_samples(path, rows=7))


def scored(folder: Path, models: Path) -> RunFolder:
    chosen = [*samples(50), Sample.of([Turn("user", "Nobody answers.")])]
    run = score_run(folder, chosen, models / "base", ModelSpec(str(models / "ref")))
    assert work(run) == 0, run.read_progress().error
    return run


def test_many_processes_render_what_one_does(models: Path, tmp_path: Path, small_chunks, monkeypatch):
    one = scored(tmp_path / "one", models)
    monkeypatch.setattr(tokenising, "n_renderers", lambda _: 2)
    two = scored(tmp_path / "two", models)
    assert losses_of(one) == losses_of(two)
    names = [sorted(path.name for path in (run.path / "tokens").glob("*.parquet")) for run in (one, two)]
    assert names[0] == names[1] and len(names[0]) == 8
    for name in names[0]:
        tables = [pq.read_table(run.path / "tokens" / name) for run in (one, two)]
        assert tables[0].equals(tables[1])
    results = [replace(run.read_result(ScoreRunResult), seconds=0.0) for run in (one, two)]
    assert results[0] == results[1]
    assert not [child for child in psutil.Process().children() if renders(child)], "the processes have ended"


def renders(process: psutil.Process) -> bool:
    """Whether a process was spawned to render and still runs."""
    try:
        return any("spawn_main" in word for word in process.cmdline())
    except psutil.NoSuchProcess:  # Ended, whether or not its parent has asked how.
        return False


def test_processes_are_for_many_samples():
    assert tokenising.n_renderers(tokenising.WORTH_SAMPLES - 1) == 1
    assert tokenising.n_renderers(tokenising.WORTH_SAMPLES) == len(os.sched_getaffinity(0))


def test_a_process_that_dies_is_said(models: Path, tmp_path: Path, small_chunks, monkeypatch):
    monkeypatch.setattr(tokenising, "n_renderers", lambda _: 2)
    monkeypatch.setattr(tokenising, "_render_here", _die)
    run = score_run(tmp_path, samples(50), models / "base", ModelSpec(str(models / "ref")))
    assert work(run) != 0
    assert "a process that renders samples stopped unexpectedly" in str(run.read_progress().error)


def _die(_: object) -> None:
    time.sleep(0.1)
    os._exit(9)
