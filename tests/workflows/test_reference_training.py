"""What a reference was trained on, from its folder or from the run that trained it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, TrainReferenceSpec
from lobass_core.workflows.reference_training import trained_on, write_trained_on
from tests.run_specs import A_SCORING


def ids(*names: str) -> pa.Table:
    return pa.table({"sample_id": pa.array(names, pa.string())})


@pytest.fixture
def older(project: Project) -> Path:
    """A reference of the time before folders said it: held_out.parquet, and the run that trained it."""
    folder = project.models_dir / "older"
    write_parquet(folder / "held_out.parquet", ids("b"))
    asked = TrainReferenceRun(TrainReferenceSpec(ModelSpec("/models/base"), "older"), str(folder))
    cancelled, run = (RunFolder.create(project.runs_dir, "train_reference", asked) for _ in range(2))
    write_parquet(cancelled.input_path, ids("a", "b"))
    write_parquet(run.input_path, ids("a", "b", "c"))
    run.result_path.write_text("{}", encoding="utf-8")
    return folder


def test_the_folder_says_it(project: Project):
    write_parquet(project.models_dir / "ref" / "trained_on.parquet", ids("a", "b"))
    assert trained_on(project, project.models_dir / "ref").to_pylist() == ["a", "b"]


def test_a_fold_model_alone_was_trained_on_the_other_folds(project: Project):
    folds = ids("a", "b", "c").append_column("fold", pa.array([0, 1, 2], pa.int32()))
    write_parquet(project.models_dir / "ref" / "folds.parquet", folds)
    assert trained_on(project, project.models_dir / "ref" / "fold-1").to_pylist() == ["a", "c"]


def test_an_older_reference_was_trained_on_its_runs_input_without_those_held_out(project: Project, older: Path):
    assert trained_on(project, older).to_pylist() == ["a", "c"]


def test_without_the_run_or_the_file_nothing_is_known(project: Project, older: Path):
    assert trained_on(project, Path("someone/elses-model")) is None
    (older / "held_out.parquet").unlink()
    assert trained_on(project, older) is None


def test_a_run_takes_what_is_known_along(project: Project, older: Path):
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    adapter = ModelSpec("/models/base", adapter=str(older))
    write_trained_on(project, run, (adapter, ModelSpec("/models/other")))
    assert not run.trained_on_path.exists()
    write_trained_on(project, run, (ModelSpec("/models/base"),))
    assert not run.trained_on_path.exists()
    write_trained_on(project, run, (adapter,))
    assert pq.read_table(run.trained_on_path).equals(ids("a", "c"))
