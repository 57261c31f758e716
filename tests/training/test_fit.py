"""Training lowers the loss, reports its way, and gives the same weights whether it was stopped or not."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lobass_core.errors import ModelError
from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.output_head import find_output_head
from lobass_core.scoring.token_table import TokenTable
from lobass_core.training import fit as module
from lobass_core.training.batches import plan_steps
from lobass_core.training.fit import FitSettings, Pulse, fit, last_checkpoint
from lobass_core.training.held_out import mean_loss
from lobass_core.training.trainable import make_trainable
from tests.models import VOCAB_SIZE, tiny_model

pytestmark = pytest.mark.slow

SETTINGS = FitSettings(learning_rate=3e-3, seed=5)


def _loaded(method: str = "full", architecture: str = "llama", **overrides) -> LoadedModel:
    model = tiny_model(architecture, **overrides).requires_grad_(False)
    loaded = LoadedModel(model, torch.device("cpu"), torch.float32, find_output_head(model))
    torch.manual_seed(1)
    make_trainable(loaded, method, lora_rank=4)
    return loaded


def _table(n: int = 40) -> TokenTable:
    """Samples whose tokens count upwards: something that can be learned."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(8, 30, size=n)
    ids = [(np.arange(size) + rng.integers(5, 300)).astype(np.int32) % VOCAB_SIZE for size in sizes]
    masks = [np.arange(size) >= 4 for size in sizes]
    return TokenTable(
        sample_ids=tuple(f"{i:064x}" for i in range(n)),
        input_ids=np.concatenate(ids),
        response_mask=np.concatenate(masks),
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        lengths=sizes.astype(np.int64),
        n_response_tokens=(sizes - 4).astype(np.int32),
        n_response_bytes=(4 * (sizes - 4)).astype(np.int32),
        n_prompt_tokens=np.full(n, 4, dtype=np.int32),
        n_dropped_tokens=np.zeros(n, dtype=np.int32),
        statuses=("ok",) * n,
    )


def _weights(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in loaded.model.named_parameters()}


def _fit(loaded: LoadedModel, folder: Path, stop_at: int = 10**9, settings: FitSettings = SETTINGS) -> tuple:
    table, pulses = _table(), []
    steps = plan_steps(table.lengths, 120, 3, seed=5)

    def on_pulse(pulse: Pulse) -> None:
        pulses.append(pulse)

    outcome = fit(loaded, table, steps, settings, folder, on_pulse, lambda: bool(pulses) and pulses[-1].step >= stop_at)
    return outcome, pulses, steps, table


def test_weights_are_not_counted_at_every_step(tmp_path, monkeypatch):
    loaded, counted = _loaded(), []
    kind = type(loaded.causal_lm)
    monkeypatch.setattr(kind, "num_parameters", lambda *_, **settings: counted.append(settings) or 1)
    outcome, *_ = _fit(loaded, tmp_path)
    assert outcome.n_steps > 2 and len(counted) < 2


def test_the_loss_falls_and_every_step_is_reported(tmp_path):
    loaded = _loaded()
    rows = np.arange(40)
    before = mean_loss(loaded, _table(), rows)
    outcome, pulses, steps, table = _fit(loaded, tmp_path)
    assert outcome.finished and outcome.n_steps == len(steps)
    assert [pulse.step for pulse in pulses] == list(range(1, len(steps) + 1))
    assert pulses[-1].n_samples == 120
    assert pulses[-1].n_tokens == 3 * int(table.lengths.sum())
    assert mean_loss(loaded, table, rows) < before - 1
    assert outcome.losses[-1][1] < outcome.losses[0][1]


# Bit-identical: the checkpoint holds weights, optimiser, schedule and random state, and the steps are planned ahead.
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("stop_at", [1, 7])
def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path, method, stop_at):
    fresh = _loaded(method)
    _fit(fresh, tmp_path / "fresh")
    stopped = _loaded(method)
    outcome, pulses, _, _ = _fit(stopped, tmp_path / "stopped", stop_at=stop_at)
    assert not outcome.finished and pulses[-1].step == stop_at
    resumed = _loaded(method)
    outcome, pulses, steps, _ = _fit(resumed, tmp_path / "stopped")
    assert outcome.finished
    assert [pulse.step for pulse in pulses] == list(range(stop_at + 1, len(steps) + 1))
    expected = _weights(fresh)
    for name, value in _weights(resumed).items():
        assert torch.equal(value, expected[name]), name


def test_a_training_stopped_at_its_very_end_has_nothing_left_to_do(tmp_path):
    fresh = _loaded()
    _, _, steps, _ = _fit(fresh, tmp_path / "fresh")
    outcome, _, _, _ = _fit(_loaded(), tmp_path / "stopped", stop_at=len(steps))
    assert outcome.finished
    resumed = _loaded()
    outcome, pulses, _, _ = _fit(resumed, tmp_path / "stopped")
    assert outcome.finished and pulses == []
    expected = _weights(fresh)
    assert all(torch.equal(value, expected[name]) for name, value in _weights(resumed).items())


def test_memory_that_runs_out_is_explained(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(module, "response_loss_sum", fail)
    with pytest.raises(ModelError, match=r"a training step of 1\d\d tokens does not fit.*--batch-tokens"):
        _fit(_loaded(), tmp_path)


@pytest.mark.parametrize(
    "error", [RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory"), MemoryError()]
)
def test_memory_that_runs_out_on_a_cpu_too(tmp_path, monkeypatch, error):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "response_loss_sum", fail)
    with pytest.raises(ModelError, match=r"a training step of .* does not fit into memory"):
        _fit(_loaded(), tmp_path)


def test_an_error_of_torch_is_not_called_one_of_memory(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(module, "response_loss_sum", fail)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        _fit(_loaded(), tmp_path)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_small_batches_of_a_step_add_up_to_its_mean_loss(tmp_path, monkeypatch, method):
    """One row at a time and a whole step at once: the same weights but for rounding, and the same losses."""
    weights, losses = [], []
    for most_tokens in (1, 10**9):
        monkeypatch.setattr(module, "MOST_TOKENS_CPU", most_tokens)
        loaded = _loaded(method)
        outcome, *_ = _fit(loaded, tmp_path / str(most_tokens), settings=FitSettings(learning_rate=1e-4, seed=5))
        weights.append(_weights(loaded))
        losses.append([loss for _, loss in outcome.losses])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    # Adam divides by the gradient's own size, so that rounding of a gradient near zero moves a weight by the rate.
    moved = [(weights[0][name] - value).abs().mean() for name, value in weights[1].items()]
    assert max(moved) < 1e-5


def test_dropout_resumes_as_well(tmp_path):
    fresh = _loaded(architecture="gpt2")
    assert fresh.model.config.resid_pdrop > 0
    _fit(fresh, tmp_path / "fresh")
    _fit(_loaded(architecture="gpt2"), tmp_path / "stopped", stop_at=6)
    resumed = _loaded(architecture="gpt2")
    _fit(resumed, tmp_path / "stopped")
    expected = _weights(fresh)
    assert all(torch.equal(value, expected[name]) for name, value in _weights(resumed).items())


def test_lora_leaves_the_base_as_it_was(tmp_path):
    loaded = _loaded("lora")
    before = _weights(loaded)
    _fit(loaded, tmp_path)
    after = _weights(loaded)
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {name for name in after if "lora_" in name}


def test_a_model_without_a_fast_path_trains_too(tmp_path):
    loaded = _loaded(architecture="bloom")
    assert loaded.head is None
    before = mean_loss(loaded, _table(), np.arange(40))
    _fit(loaded, tmp_path)
    assert mean_loss(loaded, _table(), np.arange(40)) < before


def test_checkpoints_come_by_the_clock_and_only_the_last_stays(tmp_path):
    _fit(_loaded(), tmp_path, settings=dataclasses.replace(SETTINGS, checkpoint_seconds=0.0), stop_at=4)
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-4"]


def test_half_written_checkpoints_are_passed_over_and_removed(tmp_path):
    for step, state in ((3, json.dumps({"global_step": 3})), (12, '{"global'), (20, None)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if state is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-3"]
    assert last_checkpoint(tmp_path / "nowhere") is None


def test_no_held_out_rows_have_no_loss():
    assert mean_loss(_loaded(), _table(), np.zeros(0, dtype=np.int64)) is None
