"""A shard counts as done where it is whole and holds the samples that its name now stands for."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.worker.shards import ShardJob, is_finished
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
        ("base-0", [1, 0], False),
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
