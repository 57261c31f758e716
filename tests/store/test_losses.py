"""Losses are ingested once, torn shards are named, and two models stand side by side."""

import random
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import SelectionError
from lobass_core.jobs.checksums import checksum_path
from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoredModel, ScoreRunResult
from lobass_core.store import losses
from lobass_core.store.datasets import RowCount, row_counts
from lobass_core.store.losses import Ingested, ingest_run, write_known
from lobass_core.store.rebuild import rebuild_losses
from lobass_core.store.scored_rows import Coverage, coverage, score_rows
from lobass_core.store.scorings import find_scoring, register_scoring
from tests.filled_project import BASE, RENDER, Row, fill
from tests.run_specs import A_SCORING
from tests.store.conftest import add_file, sample

PAIRS = [("1+1", "2"), ("2+2", "4"), ("3+3", "6")]


def shard(model_fp: str, nats: dict[tuple[str, str], float], render_fp: str = "render") -> pa.Table:
    n = len(nats)
    return pa.table(
        {
            "sample_id": [sample(*pair).sample_id for pair in nats],
            "model_fp": [model_fp] * n,
            "render_fp": [render_fp] * n,
            "loss_sum_nats": list(nats.values()),
            "n_tokens": pa.array([2] * n, pa.int32()),
            "n_prompt_tokens": pa.array([5] * n, pa.int32()),
            "n_dropped_tokens": pa.array([0] * n, pa.int32()),
            "status": ["ok"] * n,
        }
    )


def result(base: str, references: list[str], reference_fp: str) -> ScoreRunResult:
    return ScoreRunResult(
        render_fp="render",
        base=ScoredModel(base, "base"),
        references=tuple(ScoredModel(fp, f"ref-{fp}") for fp in references),
        reference_fp=reference_fp,
    )


def test_shards_are_ingested_once(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("base-0000", shard("B", dict.fromkeys(PAIRS[:2], 1.0)))
    assert ingest_run(store, run).n_new == 2
    assert ingest_run(store, run).n_new == 0
    run.write_shard("base-0001", shard("B", dict.fromkeys(PAIRS, 1.0)))
    assert ingest_run(store, run).n_new == 1
    (n,) = store.cursor().execute("SELECT count(*) FROM losses").fetchone()
    assert n == 3


def test_other_losses_under_an_old_name_are_added_and_the_same_ones_under_no_checksum_cost_nothing(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("base-0000", shard("B", {PAIRS[0]: 1.0}))
    assert ingest_run(store, run).n_new == 1
    run.write_shard("base-0000", shard("B", {PAIRS[1]: 1.0}))
    assert ingest_run(store, run).n_new == 1
    # A shard of an older version has no checksum beside it: it is known once it is read.
    (path,) = run.finished_shards()
    checksum_path(path).unlink()
    content = store.content()
    assert ingest_run(store, run) == Ingested(0)
    assert store.content() == content


def test_a_torn_shard_is_named_and_the_others_are_ingested(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("base-0000", shard("B", {PAIRS[0]: 1.0}))
    whole = run.write_shard("base-0001", shard("B", {PAIRS[1]: 1.0}))
    whole.write_bytes(whole.read_bytes()[:100])
    ingested = ingest_run(store, run)
    assert ingested.n_new == 1
    assert [name for name, _ in ingested.torn] == ["base-0001.parquet"]
    # Set aside, so that a resumed worker computes it again; then it is ingested under the same name.
    assert [path.name for path in run.finished_shards()] == ["base-0000.parquet"]
    run.write_shard("base-0001", shard("B", {PAIRS[1]: 1.0}))
    assert ingest_run(store, run) == Ingested(1)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("status", pa.array(["fine"]), "a status is not known"),
        ("sample_id", pa.array(["../../x"]), "a sample id is not a sha256"),
        ("model_fp", pa.array([None], pa.string()), "model_fp is missing in 1 rows"),
        ("n_tokens", pa.array(["many"]), "many"),
    ],
)
def test_a_shard_that_says_nonsense_is_not_believed(store, project, column, value, reason):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    good = shard("B", {PAIRS[0]: 1.0})
    run.write_shard("base-0000", good.set_column(good.schema.get_field_index(column), column, value))
    ((name, said),) = ingest_run(store, run).torn
    assert name == "base-0000.parquet"
    assert reason in said
    assert store.cursor().execute("SELECT count(*) FROM losses").fetchall() == [(0,)]


def test_no_flipped_bit_of_a_shard_is_believed(project):
    """Without a checksum every sixth flip changed a value in silence."""
    fill(project, [Row(f"Count to {i}.", " ".join(map(str, range(i)))) for i in range(1, 40)])
    path = project.runs_dir / "r-0001" / "shards" / f"base-{BASE}-00000.parquet"
    whole, places = path.read_bytes(), random.Random(7)
    n_readable = 0
    for _ in range(200):
        data = bytearray(whole)
        number = places.randrange(8 * len(whole))
        data[number // 8] ^= 1 << number % 8
        path.write_bytes(data)
        with suppress(OSError, pa.ArrowException, KeyError, ValueError):
            losses._read(bytes(data))
            n_readable += 1
        torn: list[tuple[str, str]] = []
        assert list(losses.checked_shards([path], {}, torn)) == []
        assert torn == [(path.name, "its content does not match its checksum")]
    assert n_readable > 20  # files that parquet itself reads without a word
    path.write_bytes(whole)
    assert len(list(losses.checked_shards([path], {}, []))) == 1


def test_an_older_shard_with_a_flipped_bit_in_a_column_name_is_named(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    path = run.write_shard("base-0000", shard("B", {PAIRS[0]: 1.0}))
    checksum_path(path).unlink()
    data = path.read_bytes()
    path.write_bytes(data.replace(b"render_fp", b"\xf2ender_fp"))
    ((name, reason),) = ingest_run(store, run).torn
    assert (name, reason) == (
        "base-0000.parquet",
        "'utf-8' codec can't decode byte 0xf2 in position 0: invalid continuation byte",
    )


def test_the_later_loss_stands_and_no_row_doubles(store, project):
    add_file(store, "a", "math", PAIRS)
    first, second = (RunFolder.create(project.runs_dir, "score", A_SCORING) for _ in range(2))
    first.write_shard("s-0", shard("B", {PAIRS[0]: 1.0, PAIRS[1]: 1.0}))
    first.write_shard("s-1", shard("B", {PAIRS[0]: 2.0}))
    assert ingest_run(store, first).n_new == 2
    second.write_shard("s-0", shard("B", {PAIRS[1]: 3.0, PAIRS[2]: 3.0}))
    second.write_shard("s-1", shard("B", {PAIRS[1]: 4.0}, "another render"))
    assert ingest_run(store, second).n_new == 2
    read = "SELECT sample_key, render_fp, loss_sum_nats, run_id, shard FROM losses ORDER BY ALL"
    found = store.cursor().execute(read).fetchall()
    assert found == [
        (0, "render", 2.0, "r-0001", "s-1"),
        (1, "another render", 4.0, "r-0002", "s-1"),
        (1, "render", 3.0, "r-0002", "s-0"),
        (2, "render", 3.0, "r-0002", "s-0"),
    ]
    assert rebuild_losses(store, project.runs_dir) == 4
    assert store.cursor().execute(read).fetchall() == found


def test_losses_of_samples_that_are_not_in_the_store_are_passed_over(store, project):
    add_file(store, "a", "math", PAIRS[:1])
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("s-0", shard("B", dict.fromkeys(PAIRS, 1.0)))
    assert ingest_run(store, run).n_new == 1


def test_a_sample_whose_id_begins_like_anothers_is_another(store, project):
    add_file(store, "a", "math", PAIRS[:1])
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    twin = shard("B", {PAIRS[0]: 1.0})
    ids = [f"{sample_id[:16]}{'0' * 48}" for sample_id in twin["sample_id"].to_pylist()]
    run.write_shard("s-0", twin.set_column(0, "sample_id", pa.array(ids)))
    assert ingest_run(store, run).n_new == 0


def test_many_shards_go_in_by_groups(store, project, monkeypatch):
    monkeypatch.setattr(losses, "GROUP_ROWS", 2)
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    for number, pair in enumerate([*PAIRS, PAIRS[0]]):
        run.write_shard(f"s-{number}", shard("B", {pair: float(number)}))
    assert ingest_run(store, run).n_new == 3
    assert store.cursor().execute("SELECT loss_sum_nats FROM losses ORDER BY sample_key").fetchall() == [
        (3.0,),
        (1.0,),
        (2.0,),
    ]
    assert store.cursor().execute("SELECT count(*) FROM ingested_shards").fetchall() == [(4,)]


def test_known_losses_are_written_for_the_worker(store, project, tmp_path):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("s-0", shard("B", {PAIRS[1]: 1.0}))
    ingest_run(store, run)
    assert write_known(store.cursor(), tmp_path / "known.parquet") == 1
    assert pq.read_table(tmp_path / "known.parquet").to_pylist() == [
        {
            "sample_id": sample(*PAIRS[1]).sample_id,
            "model_fp": "B",
            "render_fp": "render",
            "loss_sum_nats": 1.0,
            "n_tokens": 2,
            "status": "ok",
            "scored_as": None,
        }
    ]


def test_coverage_counts_rows_with_both_losses(store, project):
    add_file(store, "a", "math", [*PAIRS, PAIRS[0]])
    add_file(store, "b", "code", [("x", "y")])
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("base", shard("B", dict.fromkeys(PAIRS, 4.0)))
    run.write_shard("reference", shard("R", {PAIRS[0]: 1.0, PAIRS[2]: 1.0}))
    ingest_run(store, run)
    with store.transaction() as cursor:
        register_scoring(cursor, run.run_id, A_SCORING, result("B", ["R"], "R"), run.path / "none")
    assert coverage(store.cursor(), find_scoring(store.cursor())) == [
        Coverage(1, "math", 3, 6),  # PAIRS[0] stands in two rows
        Coverage(2, "code", 0, 0),
    ]
    assert row_counts(store.cursor()) == [RowCount(1, "math", 4, 1), RowCount(2, "code", 1, 0)]


def test_losses_can_be_rebuilt_from_the_run_folders(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("base-0000", shard("B", dict.fromkeys(PAIRS, 1.5)))
    ingest_run(store, run)
    read = "SELECT sample_key, model_fp, loss_sum_nats FROM losses ORDER BY ALL"
    before = store.cursor().execute(read).fetchall()
    assert rebuild_losses(store, project.runs_dir) == 3
    assert store.cursor().execute(read).fetchall() == before


def test_a_loss_that_is_no_number_is_null(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("base-0000", shard("B", {PAIRS[0]: float("nan"), PAIRS[1]: float("inf")}))
    ingest_run(store, run)
    assert store.cursor().execute("SELECT loss_sum_nats FROM losses").fetchall() == [(None,), (None,)]


def test_score_rows_of_one_reference(store, project):
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("base-0000", shard("B", {PAIRS[0]: 4.0, PAIRS[1]: 6.0}))
    run.write_shard("reference-0000", shard("R", {PAIRS[0]: 1.0}))
    ingest_run(store, run)
    with store.transaction() as cursor:
        register_scoring(
            cursor, run.run_id, replace(A_SCORING, reference_name="ref"), result("B", ["R"], "R"), run.path / "none"
        )
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
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("fold-0", shard("F0", dict.fromkeys(PAIRS, 10.0)))
    run.write_shard("fold-1", shard("F1", dict.fromkeys(PAIRS, 20.0)))
    ingest_run(store, run)
    ids = [sample(*pair).sample_id for pair in PAIRS]
    folds = write_parquet(
        run.path / "folds.parquet", pa.table({"sample_id": ids[:2], "fold": pa.array([1, 0], pa.int32())})
    )
    with store.transaction() as cursor:
        register_scoring(cursor, run.run_id, A_SCORING, result("B", ["F0", "F1"], "folded"), folds)
    found = score_rows(store.cursor(), find_scoring(store.cursor()))["reference_loss_sum"].to_pylist()
    by_hash = [10.0, 20.0][int(ids[2][:8], 16) % 2]
    assert found == [20.0, 10.0, by_hash]


def test_several_scorings_ask_for_the_run(store, project):
    with pytest.raises(SelectionError, match="nothing is scored yet"):
        find_scoring(store.cursor())
    runs = [RunFolder.create(project.runs_dir, "score", A_SCORING) for _ in range(2)]
    for run, reference in zip(runs, ("R1", "R2"), strict=True):
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, A_SCORING, result("B", [reference], reference), run.path / "none")
    with pytest.raises(SelectionError, match=r"--run.*r-0002.*r-0001"):
        find_scoring(store.cursor())
    assert find_scoring(store.cursor(), "r-0001").reference.models_fp == "R1"
    with pytest.raises(SelectionError, match="r-0009"):
        find_scoring(store.cursor(), "r-0009")


def test_bytes_that_an_old_shard_lacks_come_from_the_tokens_of_any_run(project):
    filled = fill(project, [Row("one", "two words"), Row("eins", "zwei Wörter"), Row("un", "deux mots")])
    tokens = project.runs_dir / "r-0001" / "tokens" / "00000.parquet"
    write_parquet(tokens, pq.read_table(tokens).slice(0, 2))
    (tokens.parent / "00001.parquet").write_bytes(b"PAR1 torn")
    later = RunFolder.create(project.runs_dir, "score", A_SCORING)
    old = shard("later", dict.fromkeys(PAIRS, 1.0), RENDER)
    later.write_shard("s-0", old.set_column(0, "sample_id", pa.array(filled.sample_ids)))
    with project.store() as store:
        assert ingest_run(store, later).n_new == 3
        sql = "SELECT n_response_bytes FROM losses WHERE run_id = 'r-0002' ORDER BY sample_key"
        assert store.cursor().execute(sql).fetchall() == [(9,), (12,), (None,)]
        before = store.cursor().execute("SELECT * FROM losses ORDER BY ALL").fetchall()
        rebuild_losses(store, project.runs_dir)
        assert store.cursor().execute("SELECT * FROM losses ORDER BY ALL").fetchall() == before


def test_of_the_same_models_under_the_same_settings_the_latest_rendering_counts(store):
    with store.transaction() as cursor:
        for number, changes in enumerate(({}, {"render_fp": "newer"}, {"render_fp": "last", "mask_rule": "last"}), 1):
            scored = replace(result("B", ["R"], "R"), **changes)
            at = f"2026-03-0{number}T08:00:00+00:00"
            register_scoring(cursor, f"r-000{number}", A_SCORING, scored, Path("none"), at)
            if number == 2:
                assert find_scoring(cursor).render_fp == "newer"
                assert find_scoring(cursor, "r-0001").render_fp == "render"
    with pytest.raises(SelectionError, match=r"--run.*r-0003.*r-0002.*r-0001"):
        find_scoring(store.cursor())


def test_a_scoring_has_the_names_that_its_latest_run_has(store):
    with store.transaction() as cursor:
        for number, (name, at) in enumerate([("tuned", "05"), ("ref", "07"), ("old", "06")], 1):
            scored = replace(result("B", ["R"], "R"), base=ScoredModel("B", f"base-{name}"))
            spec = replace(A_SCORING, reference_name=name)
            register_scoring(cursor, f"r-000{number}", spec, scored, Path("none"), f"2026-03-{at}T08:00:00+00:00")
    scoring = find_scoring(store.cursor())
    assert (scoring.run_id, scoring.label) == ("r-0002", "base-ref → ref")
