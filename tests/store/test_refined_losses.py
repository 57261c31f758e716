"""Refined losses stand in for a scoring's own in pairs, whoever reads them."""

import pyarrow as pa
import pytest

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.learnability.measure_values import values_of
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.store.browse import loss_places
from lobass_core.store.connection import Store
from lobass_core.store.losses import ingest_run
from lobass_core.store.scored_rows import Coverage, coverage, score_rows
from lobass_core.store.scorings import find_scoring, register_refinement, register_scoring
from lobass_core.workflows.row_table import open_rows
from lobass_core.workflows.token_heat import read_token_losses
from tests.run_specs import A_SCORING
from tests.store.conftest import add_file, sample
from tests.store.test_losses import PAIRS, result, shard

BOTH, BASE_ALONE, REFERENCE_ALONE = PAIRS


def token_shard(model_fp: str, nats: dict[tuple[str, str], float]) -> pa.Table:
    losses = pa.array([[value / 2] * 2 for value in nats.values()], pa.list_(pa.float32()))
    return shard(model_fp, nats).append_column("token_nlls", losses)


@pytest.fixture
def refined(store: Store, project: Project) -> Project:
    """Three samples with base 4 and reference 2; a refinement with 3 and 1, whole for the first sample only."""
    add_file(store, "a", "math", PAIRS)
    run, fine = (RunFolder.create(project.runs_dir, "score", A_SCORING) for _ in range(2))
    run.write_shard("base", token_shard("B", dict.fromkeys(PAIRS, 4.0)))
    run.write_shard("reference", token_shard("R", dict.fromkeys(PAIRS, 2.0)))
    fine.write_shard("base", token_shard("FB", {BOTH: 3.0, BASE_ALONE: 3.0}))
    fine.write_shard("reference", token_shard("FR", {BOTH: 1.0, REFERENCE_ALONE: 1.0}))
    ids = [sample(*pair).sample_id for pair in PAIRS]
    n = len(ids)
    tokens = {"sample_id": ids, "render_fp": ["render"] * n, "text": ["q ab"] * n, "token_ids": [[1, 2, 3]] * n}
    places = {"token_starts": [[0, 2, 3]] * n, "token_ends": [[2, 3, 4]] * n}
    mask = {"response_mask": [[False, True, True]] * n}
    write_parquet(run.path / "tokens" / "00000.parquet", pa.table({**tokens, **places, **mask}))
    ingest_run(store, run)
    ingest_run(store, fine)
    with store.transaction() as cursor:
        register_scoring(cursor, run.run_id, A_SCORING, result("B", ["R"], "R"), run.path / "none")
    with store.transaction() as cursor:
        scoring = find_scoring(cursor)
        register_refinement(cursor, scoring, fine.run_id, result("FB", ["FR"], "FR"), fine.path / "none")
    return project


def test_a_row_has_both_refined_losses_or_none(refined: Project, store: Store):
    rows = score_rows(store.cursor(), find_scoring(store.cursor()))
    pairs = list(zip(rows["base_loss_sum"].to_pylist(), rows["reference_loss_sum"].to_pylist(), strict=True))
    assert pairs == [(3.0, 1.0), (4.0, 2.0), (4.0, 2.0)]
    assert values_of(ScoreTable.from_arrow(rows), "learnability").tolist() == [2 / 3, 0.5, 0.5]


def test_coverage_counts_each_row_once(refined: Project, store: Store):
    assert coverage(store.cursor(), find_scoring(store.cursor())) == [Coverage(1, "math", 3, 6)]


def test_token_losses_come_from_the_run_of_the_pair(refined: Project, store: Store):
    scoring = find_scoring(store.cursor())
    expected = [("r-0002", 3.0, 1.0), ("r-0001", 4.0, 2.0), ("r-0001", 4.0, 2.0)]
    for key, (run_id, base, reference) in enumerate(expected):
        places = loss_places(store.cursor(), scoring, key)
        assert {part: place.run_id for part, place in places.items()} == {"base": run_id, "reference": run_id}
        heat = read_token_losses(refined, open_rows(refined), key)
        assert heat.base == (None, base / 2, base / 2)
        assert heat.reference == (None, reference / 2, reference / 2)


def test_a_refined_loss_that_is_no_number_replaces_nothing(refined: Project, store: Store):
    again = RunFolder.create(refined.runs_dir, "score", A_SCORING)
    broken = token_shard("FR", {BOTH: 1.0})
    place = broken.schema.get_field_index("loss_sum_nats")
    broken = broken.set_column(place, "loss_sum_nats", pa.array([None], pa.float64()))
    again.write_shard("reference", broken)
    ingest_run(store, again)
    row = score_rows(store.cursor(), find_scoring(store.cursor())).to_pylist()[0]
    assert (row["base_loss_sum"], row["reference_loss_sum"]) == (4.0, 2.0)
