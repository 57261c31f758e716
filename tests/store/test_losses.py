"""Losses come home once, torn shards are named, and two models stand side by side."""

import pyarrow as pa
import pytest

from lobass_core.errors import SelectionError
from lobass_core.jobs.run_folder import RunFolder, write_parquet
from lobass_core.store.losses import ingest_run, rebuild_losses
from lobass_core.store.scorings import find_scoring, register_scoring, score_rows
from tests.store.conftest import add_file, sample

PAIRS = [("1+1", "2"), ("2+2", "4"), ("3+3", "6")]


def shard(model_fp: str, losses: dict[tuple[str, str], float], render_fp: str = "render") -> pa.Table:
    n = len(losses)
    return pa.table(
        {
            "sample_id": [sample(*pair).sample_id for pair in losses],
            "model_fp": [model_fp] * n,
            "render_fp": [render_fp] * n,
            "loss_sum_nats": list(losses.values()),
            "n_tokens": pa.array([2] * n, pa.int32()),
            "n_prompt_tokens": pa.array([5] * n, pa.int32()),
            "n_dropped_tokens": pa.array([0] * n, pa.int32()),
            "status": ["ok"] * n,
        }
    )


def result(base: str, references: list[str], reference_fp: str) -> dict:
    return {
        "base": {"model_fp": base, "name": "base"},
        "references": [{"model_fp": fp, "name": f"ref-{fp}"} for fp in references],
        "reference_fp": reference_fp,
        "render_fp": "render",
    }


def test_shards_are_ingested_once(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", {})
    run.write_shard("base-0000", shard("B", dict.fromkeys(PAIRS[:2], 1.0)))
    assert ingest_run(store, run).n_new == 2
    assert ingest_run(store, run).n_new == 0
    run.write_shard("base-0001", shard("B", dict.fromkeys(PAIRS, 1.0)))
    assert ingest_run(store, run).n_new == 1
    (n,) = store.cursor().execute("SELECT count(*) FROM losses").fetchone()
    assert n == 3


def test_a_torn_shard_is_named_and_the_others_come_home(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", {})
    run.write_shard("base-0000", shard("B", {PAIRS[0]: 1.0}))
    whole = run.write_shard("base-0001", shard("B", {PAIRS[1]: 1.0}))
    whole.write_bytes(whole.read_bytes()[:100])
    ingested = ingest_run(store, run)
    assert ingested.n_new == 1
    assert [name for name, _ in ingested.torn] == ["base-0001.parquet"]


def test_losses_can_be_rebuilt_from_the_run_folders(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", {})
    run.write_shard("base-0000", shard("B", dict.fromkeys(PAIRS, 1.5)))
    ingest_run(store, run)
    read = "SELECT sample_key, model_fp, loss_sum_nats FROM losses ORDER BY ALL"
    before = store.cursor().execute(read).fetchall()
    assert rebuild_losses(store, project.runs_dir) == 3
    assert store.cursor().execute(read).fetchall() == before


def test_a_loss_that_is_no_number_is_null(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", {})
    run.write_shard("base-0000", shard("B", {PAIRS[0]: float("nan"), PAIRS[1]: float("inf")}))
    ingest_run(store, run)
    assert store.cursor().execute("SELECT loss_sum_nats FROM losses").fetchall() == [(None,), (None,)]


def test_score_rows_of_one_reference(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", {})
    run.write_shard("base-0000", shard("B", {PAIRS[0]: 4.0, PAIRS[1]: 6.0}))
    run.write_shard("reference-0000", shard("R", {PAIRS[0]: 1.0}))
    ingest_run(store, run)
    with store.transaction() as cursor:
        register_scoring(cursor, run.run_id, {"reference_name": "ref"}, result("B", ["R"], "R"), run.path / "none")
    scoring = find_scoring(store.cursor())
    assert scoring.label == "base → ref"
    rows = score_rows(store.cursor(), scoring).to_pylist()
    assert [(row["base_loss_sum"], row["reference_loss_sum"], row["base_status"]) for row in rows] == [
        (4.0, 1.0, "ok"),
        (6.0, None, "ok"),
        (None, None, None),
    ]
    assert rows[0]["tie_key"] == int(sample(*PAIRS[0]).sample_id[:16], 16)


def test_each_sample_is_read_from_the_fold_that_did_not_see_it(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", {})
    run.write_shard("fold-0", shard("F0", dict.fromkeys(PAIRS, 10.0)))
    run.write_shard("fold-1", shard("F1", dict.fromkeys(PAIRS, 20.0)))
    ingest_run(store, run)
    ids = [sample(*pair).sample_id for pair in PAIRS]
    folds = write_parquet(
        run.path / "folds.parquet", pa.table({"sample_id": ids[:2], "fold": pa.array([1, 0], pa.int32())})
    )
    with store.transaction() as cursor:
        register_scoring(cursor, run.run_id, {}, result("B", ["F0", "F1"], "folded"), folds)
    losses = score_rows(store.cursor(), find_scoring(store.cursor()))["reference_loss_sum"].to_pylist()
    by_hash = [10.0, 20.0][int(ids[2][:8], 16) % 2]
    assert losses == [20.0, 10.0, by_hash]


def test_several_scorings_ask_for_the_run(store, project):
    with pytest.raises(SelectionError, match="nothing is scored yet"):
        find_scoring(store.cursor())
    runs = [RunFolder.create(project.runs_dir, "score", {}) for _ in range(2)]
    for run, reference in zip(runs, ("R1", "R2"), strict=True):
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, {}, result("B", [reference], reference), run.path / "none")
    with pytest.raises(SelectionError, match=r"--run.*r-0002.*r-0001"):
        find_scoring(store.cursor())
    assert find_scoring(store.cursor(), "r-0001").reference_fp == "R1"
    with pytest.raises(SelectionError, match="r-0009"):
        find_scoring(store.cursor(), "r-0009")
