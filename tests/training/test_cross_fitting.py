"""With folds, each sample is scored by the one model that did not train on it, nor on a near duplicate of it."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.records import Sample, Turn
from lobass_core.similarity.near_duplicates import duplicate_groups
from lobass_core.specs import ModelSpec, ScoreSpec
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.train_material import prepare_material
from tests.models import tiny_llama
from tests.training.runs import demo_samples, training_run
from tests.worker.runs import work, write_input

pytestmark = pytest.mark.slow

N_FOLDS = 3


def test_no_sample_is_scored_by_a_model_that_has_seen_it(tmp_path):
    base = tiny_llama(tmp_path / "base")
    chosen = demo_samples(60)
    chosen += [Sample.of([item.turns[0], Turn("assistant", f"{item.turns[1].content} Yes.")]) for item in chosen[:9]]
    training = training_run(tmp_path, base, chosen, folds=N_FOLDS)
    assert work(training) == 0
    reference = tmp_path / "models" / "ref"

    scoring = RunFolder.create(
        tmp_path / "runs",
        "score",
        ScoreSpec(
            base=ModelSpec(str(base)),
            references=tuple(ModelSpec(str(reference / f"fold-{fold}")) for fold in range(N_FOLDS)),
            fold_assignment=str(reference / "folds.parquet"),
            device="cpu",
        ),
    )
    write_input(scoring, chosen)
    assert work(scoring) == 0
    fold_of_model = {model.model_fp: model.fold for model in scoring.read_result(ScoreRunResult).references}
    shards = [pq.read_table(path, columns=["sample_id", "model_fp"]).to_pylist() for path in scoring.finished_shards()]
    scored_by = {
        row["sample_id"]: fold_of_model[row["model_fp"]]
        for shard in shards
        for row in shard
        if row["model_fp"] in fold_of_model
    }
    assert set(scored_by) == {sample.sample_id for sample in chosen} and set(scored_by.values()) == {0, 1, 2}

    trained_on = _trained_on(training)
    texts = ["\n".join(turn.content for turn in sample.turns) for sample in chosen]
    groups = duplicate_groups(texts)
    for sample, group in zip(chosen, groups, strict=True):
        seen = trained_on[scored_by[sample.sample_id]]
        assert not seen & {chosen[row].sample_id for row in np.flatnonzero(groups == group)}
        # And every other model has seen it.
        assert all(
            sample.sample_id in trained_on[fold] for fold in range(N_FOLDS) if fold != scored_by[sample.sample_id]
        )


def _trained_on(run: RunFolder) -> list[set[str]]:
    """Sample ids that each fold's model trained on: those that stand in its steps."""
    (material,) = prepare_material(run, Reporter(run), run.spec_as(TrainReferenceRun).reference)
    ids = material.table.sample_ids
    return [{ids[row] for step in material.steps(fold) for row in step} for fold in range(N_FOLDS)]
