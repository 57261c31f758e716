"""References of several seeds and epochs, from their training to the loss columns of one scoring."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import EpochLoss, ScoreRunResult, TrainedModel, TrainReferenceResult
from lobass_core.project import Project
from lobass_core.rendering.render import Renderer
from lobass_core.worker import train_job
from lobass_core.workflows.known_models import known_models
from lobass_core.workflows.recipes import lacks_weights
from lobass_core.workflows.references import score_spec
from tests.models import tiny_llama
from tests.training.runs import demo_samples, training_run
from tests.worker.runs import losses_of, work, write_input

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "base")


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return all(np.array_equal(a[key], b[key]) for key in a)


def held_out_losses(monkeypatch: pytest.MonkeyPatch, *losses: float) -> None:
    """Let the held-out loss be these numbers, the base's first."""
    rest = list(losses)
    monkeypatch.setattr(train_job, "mean_loss", lambda *_: rest.pop(0))


def test_the_epoch_with_the_lowest_held_out_loss_is_the_reference(project: Project, base, monkeypatch):
    settings = {"epochs": 3, "held_out_share": 0.2}
    chosen = demo_samples(20)
    held_out_losses(monkeypatch, 5.0, 3.0, 2.0, 4.0)
    second = training_run(project.root, base, chosen, name="second", **settings)
    assert work(second) == 0
    held_out_losses(monkeypatch, 5.0, 3.0, 2.0, 1.0)
    third = training_run(project.root, base, chosen, name="third", keep_epochs=True, **settings)
    assert work(third) == 0
    models = project.models_dir
    assert same(models / "second", models / "third" / "epoch-2")
    assert not same(models / "second", models / "third")
    assert not (models / "second" / "epoch-1").exists() and not (models / "third" / "epoch-3").exists()
    result = second.read_result(TrainReferenceResult)
    assert result.models == (
        TrainedModel(0, None, 2.0, (EpochLoss(1.0, 3.0), EpochLoss(2.0, 2.0), EpochLoss(3.0, 4.0))),
    )
    assert result.epoch_words == "2: lowest held-out loss of 3.000, 2.000, 4.000"
    assert (result.held_out_loss_before, result.held_out_loss_after, result.warnings) == (5.0, 2.0, ())
    assert json.loads((models / "second" / "recipe.json").read_text())["epoch_chosen"] == 2.0

    spec = score_spec(project, base=str(base), reference="third", device="cpu")
    assert [(one.name, Path(one.models[0].path).name) for one in spec.others] == [
        ("reference@epoch-1", "epoch-1"), ("reference@epoch-2", "epoch-2"), ("reference@epoch-3", "third"),
    ]  # fmt: skip
    assert score_spec(project, base=str(base), reference="second", device="cpu").others == ()


def test_a_reference_that_learnt_nothing_is_warned_of(project: Project, base, monkeypatch):
    held_out_losses(monkeypatch, 2.0, 2.5)
    run = training_run(project.root, base, demo_samples(20), held_out_share=0.2)
    assert work(run) == 0
    (warning,) = run.read_result(TrainReferenceResult).warnings
    assert "no lower loss on held-out samples than the base" in warning


def test_several_seeds_are_scored_in_one_run_that_renders_once(project: Project, base, monkeypatch):
    chosen = demo_samples(24)
    training = training_run(project.root, base, chosen, seed=3, seeds=2, held_out_share=0.2)
    assert work(training) == 0
    folder = project.models_dir / "ref"
    assert not same(folder / "seed-3", folder / "seed-4")
    read = [pq.read_table(folder / name / "held_out.parquet").to_pydict() for name in ("seed-3", "seed-4")]
    assert read[0] == read[1] and len(read[0]["sample_id"]) == 5
    result = training.read_result(TrainReferenceResult)
    assert (result.seeds, [model.seed for model in result.models]) == (2, [3, 4])
    assert not lacks_weights(folder)
    assert known_models(project).references == ("ref",)

    spec = score_spec(project, base=str(base), reference="ref", target=str(folder / "seed-4"), device="cpu")
    assert [one.name for one in spec.others] == ["reference@seed-3", "reference@seed-4", "reference@target"]
    rendered: list[str] = []
    render = Renderer.render

    def counting(self, samples):
        rendered.extend(sample.sample_id for sample in samples)
        return render(self, samples)

    monkeypatch.setattr(Renderer, "render", counting)
    run = RunFolder.create(project.runs_dir, "score", spec)
    write_input(run, chosen)
    assert work(run) == 0, run.read_progress().error
    assert sorted(rendered) == sorted(sample.sample_id for sample in chosen)
    scored = run.read_result(ScoreRunResult)
    assert [column.name for column in scored.columns] == [
        "base", "reference", "reference@seed-3", "reference@seed-4", "reference@target",
    ]  # fmt: skip
    fps = {column.name: column.models_fp for column in scored.columns}
    # The target's model is that of the second seed, and is scored once.
    assert fps["reference@target"] == fps["reference@seed-4"] != fps["reference@seed-3"]
    assert len(losses_of(run)) == 3 * 24 == scored.n_computed

    alone = RunFolder.create(
        project.runs_dir, "score", score_spec(project, base=str(base), reference=str(folder / "seed-4"), device="cpu")
    )
    write_input(alone, chosen)
    assert work(alone) == 0, alone.read_progress().error
    one, many = losses_of(alone), losses_of(run)
    assert all(one[key] == many[key] for key in one)


def test_folds_of_several_seeds_each_have_their_own_cut(project: Project, base):
    chosen = demo_samples(12)
    training = training_run(project.root, base, chosen, seeds=2, folds=2)
    assert work(training) == 0
    spec = score_spec(project, base=str(base), reference="ref", device="cpu")
    assert [len(one.models) for one in spec.others] == [2, 2]
    run = RunFolder.create(project.runs_dir, "score", spec)
    write_input(run, chosen)
    assert work(run) == 0, run.read_progress().error
    scored = run.read_result(ScoreRunResult)
    found = losses_of(run)
    assert len(found) == 3 * 12
    for column in scored.others:
        seed = column.name.rpartition("-")[2]
        kept = pq.read_table(run.path / f"folds-seed-{seed}.parquet").to_pylist()
        assert kept == sorted(kept, key=lambda row: [s.sample_id for s in chosen].index(row["sample_id"]))
        trained = pq.read_table(project.models_dir / "ref" / f"seed-{seed}" / "folds.parquet").to_pylist()
        assert {row["sample_id"]: row["fold"] for row in trained} == {row["sample_id"]: row["fold"] for row in kept}
        assert all((row["sample_id"], column.models[row["fold"]].model_fp) in found for row in kept)
