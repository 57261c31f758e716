"""The run of a self-test reads its rows as the scoring did: of several references the loss is their mean."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import PlantedResult, ScoreRunResult
from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.specs import ModelSpec, NamedReference, RenderSpec, ScoreSpec
from tests.models import tiny_llama
from tests.worker.runs import samples, work, write_input

pytestmark = pytest.mark.slow


def test_of_several_references_the_loss_is_their_mean(tmp_path):
    base, one, two = (ModelSpec(str(tiny_llama(tmp_path / name, seed=k))) for k, name in enumerate(("b", "r0", "r1")))
    seeds = tuple(NamedReference(f"reference@seed-{k}", (model,)) for k, model in enumerate((one, two)))
    spec = ScoreSpec(base, (one,), render=RenderSpec("plain"), device="cpu", dtype="float32", others=seeds)
    chosen = samples(6)
    scoring = RunFolder.create(tmp_path / "runs", "score", spec)
    write_input(scoring, chosen)
    assert work(scoring) == 0
    result = scoring.read_result(ScoreRunResult)
    models = (result.base.model_fp, *(model.model_fp for column in result.others for model in column.models))
    run = RunFolder.create(tmp_path / "runs", "planted", PlantedRun(spec, scoring.run_id, result.render_fp, models))
    write_input(run, chosen)
    ids = [sample.sample_id for sample in chosen]
    pairs = {"sample_id": ids, "original_id": ids, "donor_id": ids, "domain": ["math"] * 6, "folds": [[0, 0]] * 6}
    write_parquet(run.path / "pairs.parquet", pa.table(pairs))
    assert work(run) == 0
    losses = pa.concat_tables(pq.read_table(path) for path in scoring.finished_shards()).to_pylist()
    mean = {(row["sample_id"], row["model_fp"]): row["loss_sum_nats"] / row["n_tokens"] for row in losses}
    for row in run.read_result(PlantedResult).rows:
        own = [mean[row.sample_id, model_fp] for model_fp in models]
        assert row.base_loss == pytest.approx(own[0], abs=1e-5)
        assert row.reference_loss == pytest.approx((own[1] + own[2]) / 2, abs=1e-5)
        assert abs(own[1] - own[2]) > 1e-3
