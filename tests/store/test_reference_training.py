"""What a reference was trained on, and the bytes of responses, as the rows of a scoring tell them."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ModelInfo, ScoredModel
from lobass_core.project import Project
from lobass_core.store.connection import Store
from lobass_core.store.losses import ingest_run
from lobass_core.store.rebuild import rebuild_losses
from lobass_core.store.reference_training import is_training_known
from lobass_core.store.scored_rows import score_rows
from lobass_core.store.scorings import find_scoring, register_scoring
from tests.run_specs import A_SCORING
from tests.store.conftest import add_file, sample
from tests.store.test_losses import PAIRS, result, shard


@pytest.fixture
def run(store: Store, project: Project) -> RunFolder:
    """Losses of the first two of three samples under B and R."""
    add_file(store, "a", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    run.write_shard("base", shard("B", dict.fromkeys(PAIRS[:2], 4.0)))
    run.write_shard("reference", shard("R", dict.fromkeys(PAIRS[:2], 1.0)))
    ingest_run(store, run)
    return run


def trained_on(run: RunFolder, sample_ids: list[str]) -> Path:
    """The run's record of its reference's training; returns where its folds would be."""
    write_parquet(run.path / "trained_on.parquet", pa.table({"sample_id": pa.array(sample_ids, pa.string())}))
    return run.path / "folds.parquet"


def register(store: Store, run: RunFolder, folds: Path, references: tuple[str, ...] = ("R",)) -> list[bool | None]:
    """Register the run; whether each row is unseen."""
    with store.transaction() as cursor:
        register_scoring(cursor, run.run_id, A_SCORING, result("B", list(references), references[0]), folds)
    return score_rows(store.cursor(), find_scoring(store.cursor()))["is_unseen"].to_pylist()


def test_rows_that_the_reference_was_not_trained_on(store: Store, run: RunFolder):
    ids = [sample(*pair).sample_id for pair in PAIRS]
    # The third row is not scored: whether it was seen matters to no score.
    assert register(store, run, trained_on(run, [ids[1], ids[2]])) == [True, False, None]


def test_a_row_without_a_response_has_no_score_to_doubt(store: Store, project: Project):
    add_file(store, "b", "math", PAIRS)
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    for part, model in (("base", "B"), ("reference", "R")):
        losses = shard(model, dict.fromkeys(PAIRS, 1.0))
        run.write_shard(part, losses.set_column(7, "status", pa.array(["ok", "no_response", "ok"])))
    ingest_run(store, run)
    assert register(store, run, trained_on(run, [sample(*PAIRS[0]).sample_id])) == [False, None, True]


def test_without_a_record_nothing_is_said(store: Store, run: RunFolder):
    assert register(store, run, run.path / "folds.parquet") == [None, None, None]
    assert not is_training_known(store.cursor(), "R")


def test_a_reference_trained_on_other_data_has_seen_no_row(store: Store, run: RunFolder):
    elsewhere = [sample("somewhere", "else").sample_id]
    assert register(store, run, trained_on(run, elsewhere)) == [True, True, None]


def test_what_was_known_stays_when_the_record_is_gone(store: Store, run: RunFolder):
    folds = trained_on(run, [sample(*PAIRS[0]).sample_id])
    assert register(store, run, folds) == [False, True, None]
    (run.path / "trained_on.parquet").unlink()
    assert register(store, run, folds) == [False, True, None]


def test_folds_are_never_unseen(store: Store, run: RunFolder):
    folds = trained_on(run, [sample(*PAIRS[0]).sample_id])
    write_parquet(folds, pa.table({"sample_id": pa.array([], pa.string()), "fold": pa.array([], pa.int32())}))
    assert register(store, run, folds, ("R", "R2"))[:2] == [None, None]


def test_bytes_come_with_the_losses_and_older_shards_read_without(store: Store, project: Project, run: RunFolder):
    newer = RunFolder.create(project.runs_dir, "score", A_SCORING)
    table = shard("B", {PAIRS[1]: 4.0, PAIRS[2]: 4.0})
    newer.write_shard("base", table.append_column("n_response_bytes", pa.array([12, None], pa.int32())))
    assert ingest_run(store, newer).torn == ()
    register(store, run, run.path / "none")

    def n_bytes() -> list[int | None]:
        return score_rows(store.cursor(), find_scoring(store.cursor()))["n_response_bytes"].to_pylist()

    assert n_bytes() == [None, 12, None]
    rebuild_losses(store, project.runs_dir)
    assert n_bytes() == [None, 12, None]


def test_the_vocabulary_is_that_of_the_base(store: Store, run: RunFolder):
    said = replace(result("B", ["R"], "R"), base=ScoredModel("B", "base", info=ModelInfo(vocabulary_size=512)))
    with store.transaction() as cursor:
        register_scoring(cursor, run.run_id, A_SCORING, said, run.path / "none")
    rows = score_rows(store.cursor(), find_scoring(store.cursor()))
    assert rows["vocabulary_size"].to_pylist() == [512, 512, 512]
