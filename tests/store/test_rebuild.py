"""Loss tables held against the shards: a rebuild mends them and drops no loss that a shard cannot give."""

import pytest

from lobass_core.errors import StoreError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.store import rebuild
from lobass_core.store.losses import ingest_run
from lobass_core.store.rebuild import LossCheck, compare_losses, rebuild_losses
from tests.run_specs import A_SCORING
from tests.store.conftest import add_file
from tests.store.test_losses import PAIRS, shard

READ = "SELECT sample_key, loss_sum_nats, run_id, shard FROM losses ORDER BY ALL"


@pytest.fixture
def runs(store, project):
    """Losses of three samples: in r-0001 shard a those of the first two, in r-0002 shard b that of the third."""
    add_file(store, "a", "math", PAIRS)
    first = RunFolder.create(project.runs_dir, "score", A_SCORING)
    first.write_shard("a", shard("B", {PAIRS[0]: 1.0, PAIRS[1]: 2.0}))
    second = RunFolder.create(project.runs_dir, "score", A_SCORING)
    second.write_shard("b", shard("B", {PAIRS[2]: 3.0}))
    for run in (first, second):
        ingest_run(store, run)
    return first, second


def losses(store):
    return store.cursor().execute(READ).fetchall()


def test_whole_tables_agree_with_whole_shards(store, project, runs):
    assert compare_losses(store, project.runs_dir) == LossCheck(n_shards=2)


def test_a_rebuild_gives_back_what_the_tables_lost_or_hold_wrongly(store, project, runs):
    whole = losses(store)
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM losses WHERE sample_key = 0")
        cursor.execute("UPDATE losses SET loss_sum_nats = 9 WHERE sample_key = 1")
        cursor.execute("INSERT INTO losses SELECT * FROM losses WHERE run_id = 'r-0002'")
    found = compare_losses(store, project.runs_dir)
    assert (found.n_missing, found.n_other, found.n_double, found.needs_rebuild) == (1, 1, 1, True)
    assert rebuild_losses(store, project.runs_dir) == 3
    assert losses(store) == whole
    assert compare_losses(store, project.runs_dir) == LossCheck(n_shards=2)


@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_a_loss_without_a_usable_shard_outlives_a_rebuild(store, project, runs, how):
    whole = losses(store)
    path = runs[0].shards_dir / "a.parquet"
    if how == "gone":
        runs[0].remove()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    found = compare_losses(store, project.runs_dir)
    assert (found.n_alone, len(found.torn), found.needs_rebuild) == (2, int(how == "damaged"), False)
    assert rebuild_losses(store, project.runs_dir) == 3
    assert losses(store) == whole


def test_of_a_loss_without_a_shard_and_an_earlier_shard_the_later_run_stands(store, project, runs):
    third = RunFolder.create(project.runs_dir, "score", A_SCORING, after=2)
    third.write_shard("c", shard("B", {PAIRS[0]: 7.0}))
    ingest_run(store, third)
    whole = losses(store)
    third.remove()
    rebuild_losses(store, project.runs_dir)
    assert losses(store) == whole
    assert whole[0][1:] == (7.0, "r-0003", "c")


def test_a_shard_that_changes_meanwhile_leaves_everything_as_it_was(store, project, runs, monkeypatch):
    whole, path = losses(store), runs[0].shards_dir / "a.parquet"

    def damage(cursor, run_id, shards):
        path.write_bytes(b"no parquet")

    monkeypatch.setattr(rebuild, "insert_shards", damage)
    runs[1].write_shard("0", shard("B", {PAIRS[2]: 3.0}))
    path = runs[1].shards_dir / "b.parquet"
    monkeypatch.setattr(rebuild, "grouped", lambda shards: ([one] for one in shards))
    with pytest.raises(StoreError, match=r"b\.parquet of run r-0002 changed"):
        rebuild_losses(store, project.runs_dir)
    assert losses(store) == whole
