"""Several references in one scoring: their mean is the reference loss, and how far they lie apart is on record."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lobass_core.errors import SelectionError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoredColumn, ScoredModel
from lobass_core.learnability.measure_values import measures_of, values_of
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.browse import loss_places
from lobass_core.store.losses import ingest_run
from lobass_core.store.models import list_models
from lobass_core.store.scored_rows import coverage
from lobass_core.store.scorings import find_scoring, register_refinement
from lobass_core.store.versions import raise_content
from lobass_core.workflows import cut, explore, row_table, scores
from lobass_core.workflows.token_heat import read_token_losses
from tests.filled_project import RENDER, Filled, Row, add_references, fill, shard_of
from tests.run_specs import A_SCORING, score_result

ROWS = [
    Row("Name a fish", "Cod and eel", base=4.0, reference=3.0),
    Row("Say hello", "Hi you", base=2.0, reference=1.5),
]
SEEDS = {"reference@seed-0": [1.0, 1.2], "reference@seed-1": [2.0, 1.0], "reference@seed-2": [3.0, 1.4]}


@pytest.fixture
def filled(project: Project) -> Filled:
    return fill(project, ROWS)


def test_the_reference_is_their_mean_and_the_spread_its_standard_error(filled: Filled):
    run = add_references(filled, ROWS, SEEDS)
    table = explore.score_table(filled.project, run)
    assert list(table.losses) == ["base", "reference", *SEEDS, "spread"]
    assert table.losses["reference"] == pytest.approx([2.0, 1.2])
    assert table.losses["spread"] == pytest.approx([1 / math.sqrt(3), 0.2 / math.sqrt(3)])
    assert values_of(table, "learnability") == pytest.approx([0.5, 0.4])
    assert values_of(table, "reference-spread") == pytest.approx([1 / math.sqrt(3), 0.2 / math.sqrt(3)])
    assert values_of(table, "learnability-spread") == pytest.approx([0.25 / math.sqrt(3), 0.1 / math.sqrt(3)])
    assert [one.higher_is_better for name, one in measures_of(table).items() if name.endswith("spread")] == [False] * 2
    assert values_of(table.take(np.array([1])), "reference-spread") == pytest.approx([0.2 / math.sqrt(3)])


def test_epochs_and_targets_are_no_part_of_the_mean(filled: Filled):
    others = {"reference@target": [1.0, 2.0], "reference@epoch-1": [8.0, 3.0], "reference@epoch-2": [9.0, 9.0]}
    table = explore.score_table(filled.project, add_references(filled, ROWS, others))
    assert table.losses["reference"] == pytest.approx([3.0, 1.5])
    assert "spread" not in table.losses
    # Their standard deviation is half of the difference times the root of two.
    assert values_of(table, "epoch-spread") == pytest.approx([math.sqrt(0.5) / 4, 6 * math.sqrt(0.5) / 2])
    assert values_of(table, "target-learnability") == pytest.approx([0.75, 0.0])
    assert values_of(table, "target-loss") == pytest.approx([1.0, 2.0])
    table = explore.score_table(filled.project, add_references(filled, ROWS, SEEDS | others))
    assert table.losses["reference"] == pytest.approx([2.0, 1.2])


def test_a_row_without_a_loss_of_one_of_them_has_no_mean(filled: Filled):
    run = add_references(filled, ROWS, SEEDS)
    with filled.project.store() as store, store.transaction() as cursor:
        cursor.execute(
            "UPDATE losses SET loss_sum_nats = NULL, status = 'non_finite' WHERE run_id = ? AND shard LIKE '%seed-1%' "
            "AND sample_key IN (SELECT sample_key FROM samples WHERE sample_id = ?)",
            [run, filled.sample_ids[0]],
        )
        raise_content(cursor)
    file = scores.read_scores(filled.project, run=run)
    assert file["reference_loss"].to_pylist() == [None, pytest.approx(1.2)]
    assert file["reference_spread"].to_pylist() == [None, pytest.approx(0.2 / math.sqrt(3))]
    assert file["status"].to_pylist() == ["non_finite", "ok"]


def test_files_have_columns_for_them(filled: Filled):
    run = add_references(filled, ROWS, SEEDS | {"reference@target": [1.0, 2.0]})
    file = scores.read_scores(filled.project, run=run)
    assert file["target_learnability"].to_pylist() == pytest.approx([0.75, 0.0])
    assert file["learnability_spread"].to_pylist() == pytest.approx([0.25 / math.sqrt(3), 0.1 / math.sqrt(3)])
    first = scores.read_scores(filled.project, run="r-0001")
    assert set(file.column_names) - set(first.column_names) == {
        "target_learnability", "target_loss", "reference_spread", "learnability_spread",
    }  # fmt: skip


def test_coverage_counts_rows_that_all_of_them_have_scored(filled: Filled):
    run = add_references(filled, ROWS, SEEDS)
    with filled.project.store() as store, store.transaction() as cursor:
        scoring = find_scoring(cursor, run)
        assert [one.n_scored for one in coverage(cursor, scoring)] == [2]
        cursor.execute("DELETE FROM losses WHERE run_id = ? AND shard LIKE '%seed-2%' AND loss_sum_nats < 4", [run])
        assert [one.n_scored for one in coverage(cursor, scoring)] == [1]


def test_a_token_has_the_mean_of_their_losses(filled: Filled):
    run = add_references(filled, ROWS, SEEDS)
    rows = row_table.open_rows(filled.project, run)
    heat = read_token_losses(filled.project, rows, int(rows.table.sample_key[0]))
    assert [loss for loss in heat.reference if loss is not None] == pytest.approx([1.6, 2.0, 2.4])
    with filled.project.store() as store:
        cursor = store.cursor()
        places = loss_places(cursor, find_scoring(cursor, run), int(rows.table.sample_key[0]))
        assert set(places) == {"base", *SEEDS}
        assert {model.part for model in list_models(cursor)} == {"base", "reference"}


def test_what_a_scoring_lacks_is_said_with_the_way_to_it(filled: Filled):
    table = explore.score_table(filled.project, "r-0001")
    assert not {"target-learnability", "reference-spread"} & set(measures_of(table))
    with pytest.raises(SelectionError, match="target-learnability needs a reference trained on a target") as caught:
        values_of(table, "target-learnability")
    assert "--target" in caught.value.do
    with pytest.raises(SelectionError, match="learnability-spread needs several references") as caught:
        values_of(table, "learnability-spread")
    assert "--seeds" in caught.value.do


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("learnability", 0.1 / math.sqrt(3)),
        ("loss-drop", 0.2 / math.sqrt(3)),
        ("loss-drop-sum", 0.4 / math.sqrt(3)),
        ("base-loss", None),
    ],
)
def test_the_row_at_the_cut_has_the_standard_error_of_its_score(filled: Filled, method: str, error: float | None):
    run = add_references(filled, ROWS, SEEDS)
    spec = SelectionSpec(method=method, budget="samples", value=1, balance="global")
    (kept,), (dropped,) = cut.rows_at_cut(filled.project, cut.open_cut(filled.project, spec, run))
    assert (kept.prompt, dropped.prompt) == ("Name a fish", "Say hello")
    assert dropped.error == (None if error is None else pytest.approx(error))
    (kept,), _ = cut.rows_at_cut(filled.project, cut.open_cut(filled.project, spec, "r-0001"))
    assert kept.error is None


def test_finer_losses_of_all_of_them_count_in_the_mean(filled: Filled):
    run = add_references(filled, ROWS, SEEDS)
    with filled.project.store() as store:
        scoring = find_scoring(store.cursor(), run)
    finer = RunFolder.create(filled.project.runs_dir, "score", replace(A_SCORING, refines=run))
    for column, mean in {
        "base": 4.5,
        "reference@seed-0": 1.5,
        "reference@seed-1": 2.5,
        "reference@seed-2": 4.0,
    }.items():
        part = "base" if column == "base" else "reference"
        row = {filled.sample_ids[0]: replace(ROWS[0], **{part: mean})}
        finer.write_shard(column, shard_of(row, column, part))
    others = tuple(ScoredColumn(name, name, name, (ScoredModel(name, name),)) for name in SEEDS)
    result = score_result("base", "mean", RENDER, others=others)
    with filled.project.store() as store:
        ingest_run(store, finer)
        with store.transaction() as cursor:
            register_refinement(cursor, scoring, finer.run_id, result, finer.path / "folds.parquet")
    table = explore.score_table(filled.project, run)
    assert table.losses["base"] == pytest.approx([4.5, 2.0])
    assert table.losses["reference"] == pytest.approx([(1.5 + 2.5 + 4.0) / 3, 1.2])


def test_two_scorings_of_the_same_base_and_reference_stay_apart(filled: Filled):
    add_references(filled, ROWS, {"reference@target": [1.0, 2.0]})
    with pytest.raises(SelectionError, match="several pairs of models"):
        explore.score_table(filled.project)
    assert list(explore.score_table(filled.project, "r-0001").losses) == ["base", "reference"]
