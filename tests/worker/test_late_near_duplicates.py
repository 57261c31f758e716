"""A row that was imported after the folds were cut is scored by a model that has not read its near duplicate."""

from pathlib import Path

import pyarrow as pa
import pytest

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.records import Sample, Turn
from lobass_core.specs import ModelSpec
from tests.models import tiny_llama
from tests.worker.runs import losses_of, samples, score_run, work

pytestmark = pytest.mark.slow


def test_it_is_scored_by_the_fold_of_its_near_duplicate(models: Path, tmp_path: Path):
    words = "the quick brown fox jumps over the lazy dog and runs into the deep dark forest at night"
    known = Sample.of([Turn("user", "Tell a story."), Turn("assistant", f"Once {words}.")])
    late = Sample.of([Turn("user", "Tell a story."), Turn("assistant", f"Once {words} alone.")])
    # The fold that its own hash would not give it.
    fold = 1 - int(late.sample_id[:8], 16) % 2
    assignment = write_parquet(
        tmp_path / "folds.parquet",
        pa.table({"sample_id": [known.sample_id], "fold": pa.array([fold], pa.int32())}),
    )
    other = tiny_llama(tmp_path / "other", seed=7)
    references = (ModelSpec(str(models / "ref")), ModelSpec(str(other)))
    run = score_run(
        tmp_path / "runs", [known, late, *samples(3)], models / "base", *references, fold_assignment=str(assignment)
    )
    assert work(run) == 0, run.read_progress().error
    fps = [model.model_fp for model in run.read_result(ScoreRunResult).references]
    scored = losses_of(run)
    assert (late.sample_id, fps[fold]) in scored and (late.sample_id, fps[1 - fold]) not in scored
