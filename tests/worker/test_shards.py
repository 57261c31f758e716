"""A shard counts as done where it is whole and holds the samples that its name now stands for."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.scoring.engine import Losses
from lobass_core.worker.shards import ShardJob, is_finished, shard_table, unscored_table, what_is_left, write_job
from tests.run_specs import A_SCORING
from tests.token_tables import random_table

TABLE = random_table([9, 8, 7, 6])


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder.create(tmp_path, "score", A_SCORING)
    run.write_shard("base-0", pa.table({"sample_id": ["s000", "s001"]}))
    return run


@pytest.mark.parametrize(
    ("name", "places", "finished"),
    [
        ("base-0", [0, 1], True),
        ("base-0", [0, 2], False),
        ("base-0", [1, 0], True),
        ("base-0", [0, 1, 2], False),
        ("base-0", [0], False),
        ("base-1", [0, 1], False),
    ],
)
def test_a_shard_of_another_cut_is_computed_again_although_it_has_the_name(run, name, places, finished):
    assert is_finished(run, TABLE, ShardJob(0, name, np.array(places))) is finished


def test_a_damaged_shard_is_computed_again(run):
    path = run.shards_dir / "base-0.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    assert not is_finished(run, TABLE, ShardJob(0, "base-0", np.array([0, 1])))


@pytest.mark.parametrize(
    ("places", "left"), [([0, 1, 2, 3], [2, 3]), ([3, 1, 2, 0], [3, 2]), ([0, 1], []), ([1, 2, 3], [1, 2, 3])]
)
def test_a_shard_that_was_closed_early_is_completed(run, places, left):
    run.write_shard("base-1", unscored_table(TABLE, np.array([1, 0]), "model", "render"))
    job = what_is_left(run, TABLE, ShardJob(0, "base-1", np.array(places)))
    assert job.places.tolist() == left
    write_job(run, TABLE, job, [Losses(job.places, [np.ones(1, np.float32)] * len(left), 0, 0)], ("model", "render"))
    ids = read_parquet(run.shards_dir / "base-1.parquet", ["sample_id"])["sample_id"].to_pylist()
    assert sorted(ids) == sorted(TABLE.sample_ids[place] for place in places)


def test_nothing_measured_writes_no_shard(run):
    write_job(run, TABLE, ShardJob(0, "base-1", np.array([0])), [], ("model", "render"))
    assert [path.stem for path in run.finished_shards()] == ["base-0"]


def test_a_row_that_a_shard_has_twice_counts_for_nothing(run):
    run.write_shard("base-1", unscored_table(TABLE, np.array([1, 1]), "model", "render"))
    assert what_is_left(run, TABLE, ShardJob(0, "base-1", np.array([0, 1]))).places.tolist() == [0, 1]


@pytest.mark.parametrize(("nll", "status", "loss"), [(0.5, "ok", 0.5), (float("nan"), "non_finite", None)])
def test_a_loss_that_is_no_number_is_said_and_not_written(nll, status, loss):
    losses = [Losses(np.array([0]), [np.array([nll], np.float32)], 1, 1)]
    (row,) = shard_table(TABLE, losses, "model", "render").to_pylist()
    assert (row["status"], row["loss_sum_nats"], row["n_tokens"]) == (status, loss, 1)
