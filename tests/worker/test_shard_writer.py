"""Shards written behind the device: all there at the end, and a disk that is full is said."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.scoring.engine import Losses
from lobass_core.worker.reporter import Cancelled
from lobass_core.worker.shards import ShardJob, ShardWriter
from tests.run_specs import A_SCORING
from tests.token_tables import random_table

TABLE = random_table([9, 12])


def losses_of(index: int) -> list[Losses]:
    return [Losses(np.array([index]), [np.ones(TABLE.n_response_tokens[index], np.float32)], 1, 1)]


def job(name: str, index: int) -> ShardJob:
    return ShardJob(0, name, np.array([index]))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "score", A_SCORING)


def test_every_shard_is_there_when_the_block_ends(run: RunFolder):
    with ShardWriter(run, TABLE, "render") as writer:
        writer.write(job("first", 0), losses_of(0), "model")
        writer.write(job("second", 1), losses_of(1), "model")
    ids = [pq.read_table(path)["sample_id"].to_pylist() for path in run.finished_shards()]
    assert ids == [["s000"], ["s001"]]


def test_a_shard_in_hand_is_finished_when_the_run_is_stopped(run: RunFolder):
    with pytest.raises(KeyboardInterrupt), ShardWriter(run, TABLE, "render") as writer:
        writer.write(job("first", 0), losses_of(0), "model")
        raise KeyboardInterrupt
    assert [path.stem for path in run.finished_shards()] == ["first"]


@pytest.mark.parametrize("n_shards", [1, 2])
def test_a_full_disk_is_not_passed_over(run: RunFolder, monkeypatch: pytest.MonkeyPatch, n_shards: int):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "write_shard", full)
    with pytest.raises(OSError, match="No space left"), ShardWriter(run, TABLE, "render") as writer:
        for number in range(n_shards):
            writer.write(job(str(number), number), losses_of(number), "model")


def test_a_full_disk_is_not_passed_over_when_the_run_is_stopped(run: RunFolder, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "write_shard", full)
    with pytest.raises(OSError, match="No space left"), ShardWriter(run, TABLE, "render") as writer:
        writer.write(job("first", 0), losses_of(0), "model")
        raise Cancelled
