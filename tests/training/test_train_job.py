"""The training run: one model and folds, whole and LoRA, killed and cancelled and resumed, and its refusals."""

import dataclasses
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import TrainReferenceResult
from lobass_core.records import Sample, Turn
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.scoring.adapted_linear import FusedLoraLinear
from lobass_core.scoring.models import load_tokenizer
from lobass_core.scoring.onednn import OneDnnLinear
from lobass_core.specs import ModelSpec, RenderSpec
from lobass_core.training import head_loss
from lobass_core.training.fit import fit
from lobass_core.worker import run_products, train_job
from tests.models import tiny_llama, tiny_lora
from tests.training.runs import demo_samples, training_run
from tests.worker.runs import kill_when, start, work

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "base")


def _begun_with(run: RunFolder, library: str) -> None:
    """As the first worker of the run settled it."""
    (run.path / "products.json").write_text(json.dumps({"version": 2, "library": library}), encoding="utf-8")


def _recipe(folder: Path) -> dict:
    return json.loads((folder / "recipe.json").read_text(encoding="utf-8"))


def test_one_model_with_its_recipe(tmp_path, base):
    run = training_run(
        tmp_path,
        base,
        demo_samples(),
        epochs=2,
        held_out_share=0.1,
        run_settings={"data": [{"name": "math", "path": "/data/math.jsonl", "sha256": "ab", "n_rows": 120}]},
    )
    assert work(run) == 0
    output, result = tmp_path / "models" / "ref", run.read_result(TrainReferenceResult)
    assert {path.name for path in output.iterdir()} >= {"model.safetensors", "tokenizer.json", "config.json"}
    assert not list((run.path / "checkpoints").glob("*"))
    assert not [path for path in output.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".md")]
    recipe = _recipe(output)
    assert recipe["learning_rate"] == 3e-3 and recipe["seed"] == 0 and recipe["max_tokens"] == 512
    assert recipe["template"]["name"] == "tokenizer" and "<|im_start|>" in recipe["template"]["text"]
    assert recipe["data"] == [{"name": "math", "path": "/data/math.jsonl", "sha256": "ab", "n_rows": 120}]
    assert recipe["n_samples"] == 120 and recipe["n_samples_held_out"] == 12 and recipe["n_samples_trained"] == 108
    assert recipe["n_samples_shown"] == 216
    assert recipe["held_out_loss_after"] < recipe["held_out_loss_before"]
    assert recipe["losses"][-1]["step"] <= recipe["n_steps"]
    assert result.held_out_loss_after == recipe["held_out_loss_after"] and result.path == str(output)
    held_out = pq.read_table(output / "held_out.parquet")["sample_id"].to_pylist()
    assert len(held_out) == 12 and set(held_out) <= {sample.sample_id for sample in demo_samples()}
    trained_on = pq.read_table(output / "trained_on.parquet")["sample_id"].to_pylist()
    assert set(trained_on) == {sample.sample_id for sample in demo_samples()} - set(held_out) and len(trained_on) == 108
    steps = pq.read_table(output / "first_steps.parquet").to_pydict()
    first = dict(zip(steps["sample_id"], steps["first_step"], strict=True))
    # Both epochs show all rows: each is first seen in the steps of the first one.
    assert first.keys() == set(trained_on) and min(first.values()) == 1
    assert 1 < max(first.values()) < recipe["n_steps"] * 0.7
    progress = run.read_progress()
    assert progress.state == "done" and progress.n_done == progress.n_total == 216
    # What scoring checks before it compares the two.
    assert tokenizer_fingerprint(load_tokenizer(ModelSpec(str(output)))) == tokenizer_fingerprint(
        load_tokenizer(ModelSpec(str(base)))
    )


def test_row_order_changes_nothing(tmp_path, base):
    chosen = demo_samples(60)
    one = training_run(tmp_path, base, chosen, name="one", held_out_share=0.1)
    shuffled = random.Random(1).sample(chosen, len(chosen))
    other = training_run(tmp_path, base, shuffled, name="other", held_out_share=0.1)
    assert work(one) == work(other) == 0
    weights = [load_file(tmp_path / "models" / name / "model.safetensors") for name in ("one", "other")]
    assert all(np.array_equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_folds_share_near_duplicates_and_each_model_leaves_its_own_out(tmp_path, base):
    chosen = demo_samples(60)
    # Same text but for its last word: a near duplicate of each of the first five.
    chosen += [
        Sample.of([sample.turns[0], Turn("assistant", f"{sample.turns[1].content} Indeed.")]) for sample in chosen[:5]
    ]
    run = training_run(tmp_path, base, chosen, folds=3)
    assert work(run) == 0
    output = tmp_path / "models" / "ref"
    table = pq.read_table(output / "folds.parquet").to_pydict()
    folds = dict(zip(table["sample_id"], table["fold"], strict=True))
    assert set(folds) == {sample.sample_id for sample in chosen}
    sizes = np.bincount(list(folds.values()))
    assert len(sizes) == 3 and sizes.sum() == 65 and sizes.max() - sizes.min() <= 8
    for sample, near in zip(chosen[:5], chosen[60:], strict=True):
        assert folds[sample.sample_id] == folds[near.sample_id]
    for fold in range(3):
        recipe = _recipe(output / f"fold-{fold}")
        assert recipe["fold"] == fold
        assert recipe["n_samples_trained"] == 65 - sizes[fold] and recipe["n_samples_held_out"] == sizes[fold]
    whole = _recipe(output)
    assert [item["fold"] for item in whole["folds"]] == [0, 1, 2]
    assert whole["held_out_loss_before"] == pytest.approx(
        np.mean([item["held_out_loss_before"] for item in whole["folds"]])
    )
    assert run.read_result(TrainReferenceResult).folds == 3
    weights = [load_file(output / f"fold-{fold}" / "model.safetensors") for fold in range(3)]
    assert not np.array_equal(weights[0]["model.embed_tokens.weight"], weights[1]["model.embed_tokens.weight"])


def test_lora_saves_the_adapter_alone(tmp_path, base):
    run = training_run(tmp_path, base, demo_samples(60), method="lora", lora_rank=4)
    assert work(run) == 0
    output = tmp_path / "models" / "ref"
    assert (output / "adapter_model.safetensors").is_file() and not (output / "model.safetensors").exists()
    config = json.loads((output / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["r"] == 4 and config["lora_alpha"] == 8 and config["base_model_name_or_path"] == str(base)
    recipe = _recipe(output)
    assert recipe["lora"] == {"rank": 4, "alpha": 8} and recipe["learning_rate"] == 1e-2
    # Rank 4 on the seven linear layers (32 wide, keys and values 16, MLP 48) of each of two blocks.
    assert recipe["n_parameters_trained"] == 2 * 4 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 48))
    assert recipe["held_out_loss_after"] < recipe["held_out_loss_before"]


@pytest.mark.parametrize("library", ["mkl", "onednn"])
def test_the_library_that_a_run_began_with_trains_it_and_is_recorded(tmp_path, base, library, monkeypatch):
    run = training_run(tmp_path, base, demo_samples(20), method="lora")
    _begun_with(run, library)
    trained: list[set[type]] = []

    def watch(loaded, *rest):
        trained.append({type(module) for module in loaded.model.modules()})
        return fit(loaded, *rest)

    monkeypatch.setattr(train_job, "fit", watch)
    assert work(run) == 0
    assert _recipe(tmp_path / "models" / "ref")["products"] == {"library": library, "earlier": []}
    assert [OneDnnLinear in kinds for kinds in trained] == [library == "onednn"]
    assert all(FusedLoraLinear in kinds for kinds in trained)


def test_a_resume_without_the_library_is_recorded_and_said(tmp_path, base, monkeypatch):
    run = training_run(tmp_path, base, demo_samples(20))
    _begun_with(run, "onednn")
    monkeypatch.setattr(run_products, "has_onednn", lambda: False)
    assert work(run) == 0
    assert _recipe(tmp_path / "models" / "ref")["products"] == {"library": "mkl", "earlier": ["onednn"]}
    (warning,) = run.read_result(TrainReferenceResult).warnings
    assert "started with oneDNN matrix products" in warning


def test_a_vocabulary_of_a_real_model_trains_in_several_slices(tmp_path, monkeypatch):
    """49,152 tokens and more predicted ones than a slice holds: the step that crashed with every real model."""
    big = tiny_llama(tmp_path / "big", vocab_size=49_152)
    monkeypatch.setattr(head_loss, "MOST_LOGITS", 64 * 49_152)
    for method in ("lora", "full"):
        run = training_run(tmp_path, big, demo_samples(12), name=method, method=method, epochs=2, held_out_share=0.0)
        _begun_with(run, "onednn")
        assert work(run) == 0, run.read_progress().error
        losses = [entry["loss"] for entry in _recipe(tmp_path / "models" / method)["losses"]]
        assert len(losses) == 6 and losses[-1] < losses[0] - 0.2


def test_killed_and_resumed_gives_the_same_weights(tmp_path, base):
    """kill -9 in either fold; bit-identical, as the steps and all state are the same."""
    settings = {"epochs": 4, "folds": 2, "run_settings": {"checkpoint_seconds": 0.05}}
    fresh, killed = (
        training_run(tmp_path, base, demo_samples(), name=name, **settings) for name in ("fresh", "killed")
    )
    # On a busy machine, two runs may find different libraries faster, which differ in the last bits.
    for run in (fresh, killed):
        _begun_with(run, "onednn")
    assert start(fresh).wait(300) == 0
    for fold in range(2):
        assert kill_when(start(killed), _has_checkpoint(killed, fold))
        assert killed.state() == "interrupted"
        assert not (tmp_path / "models" / "killed").exists()
    assert start(killed).wait(300) == 0
    for fold in range(2):
        one, other = (
            load_file(tmp_path / "models" / name / f"fold-{fold}" / "model.safetensors") for name in ("fresh", "killed")
        )
        assert all(np.array_equal(one[key], other[key]) for key in one)
    assert killed.read_progress().n_done == killed.read_progress().n_total == 4 * 120


def _has_checkpoint(run: RunFolder, fold: int) -> Callable[[], bool]:
    folder = run.path / "checkpoints" / f"fold-{fold}"
    return lambda: any(folder.glob("checkpoint-*/trainer_state.json"))


def test_cancel_keeps_a_checkpoint_and_a_resume_finishes(tmp_path, base):
    run = training_run(tmp_path, base, demo_samples(), epochs=4, run_settings={"checkpoint_seconds": 0.05})
    process = start(run)
    while not _has_checkpoint(run, 0)() and process.poll() is None:
        time.sleep(0.01)
    run.request_cancel()
    assert process.wait(60) == 3
    assert run.state() == "cancelled" and not (tmp_path / "models" / "ref").exists()
    assert start(run).wait(300) == 0
    assert run.state() == "done" and (tmp_path / "models" / "ref" / "recipe.json").is_file()


def test_samples_without_a_response_are_left_out_and_counted(tmp_path, base):
    silent = [Sample.of([Turn("user", f"Say nothing {i}.")]) for i in range(3)]
    run = training_run(tmp_path, base, demo_samples(40) + silent)
    assert work(run) == 0
    result = run.read_result(TrainReferenceResult)
    assert (result.n_samples_without_response, result.n_samples) == (3, 40)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"render": RenderSpec(max_tokens=4096)}, "4096 tokens are more than the model's limit of 512"),
        ({"folds": 50}, "50 folds cannot be filled"),
        ({"render": RenderSpec(template="nowhere.jinja")}, "nowhere.jinja"),
        ({"learning_rate": 1e6}, "the training diverged at a learning rate of 1e+06"),
    ],
)
def test_refusals_name_the_trouble(tmp_path, base, settings, what):
    run = training_run(tmp_path, base, demo_samples(30), **settings)
    assert work(run) == 1
    error = run.read_progress().error
    assert what in error.what and error.do
    assert not (tmp_path / "models" / "ref").exists()


def test_no_response_at_all_is_an_error(tmp_path, base):
    run = training_run(tmp_path, base, [Sample.of([Turn("user", "Hello?")])])
    assert work(run) == 1
    assert "none of the 1 samples has a response" in run.read_progress().error.what


def test_an_adapter_is_no_base(tmp_path, base):
    adapter = tiny_lora(tmp_path / "adapter", base)
    run = training_run(tmp_path, adapter, demo_samples(30))
    assert work(run) == 1
    assert "this base is an adapter" in run.read_progress().error.what


def test_a_taken_name_is_never_written_over(tmp_path, base):
    run = training_run(tmp_path, base, demo_samples(30))
    (tmp_path / "models" / "ref").mkdir(parents=True)
    assert work(run) == 1
    assert "a reference 'ref' already exists" in run.read_progress().error.what


@pytest.mark.parametrize("has_left", [True, False], ids=["after_the_move", "before_the_move"])
def test_a_worker_killed_around_the_move_of_its_model_is_resumed_without_training(tmp_path, base, has_left):
    run = training_run(tmp_path, base, demo_samples(30))
    output = tmp_path / "models" / "ref"
    assert work(run) == 0
    weights = (output / "model.safetensors").stat()
    # What a kill leaves: the result is on the disk, progress.json has not heard of it.
    run.write_progress(dataclasses.replace(run.read_progress(), state="running", phase="saving"))
    if not has_left:
        output.rename(run.path / "model")
    assert work(run) == 0
    assert run.read_progress().state == "done"
    assert (output / "model.safetensors").stat().st_mtime_ns == weights.st_mtime_ns
    assert run.read_result(TrainReferenceResult).path == str(output)
