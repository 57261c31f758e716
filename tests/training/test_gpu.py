"""Training on a GPU: bfloat16 compute over float32 weights, LoRA over a bfloat16 base, recomputed activations."""

import json

import pytest
import torch

from lobass_core.training import fit
from tests.models import tiny_llama
from tests.training.runs import demo_samples, training_run
from tests.worker.runs import work

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.mark.parametrize(("method", "weights"), [("full", "float32"), ("lora", "bfloat16")])
@pytest.mark.parametrize("recompute", [False, True])
def test_the_loss_falls_in_bfloat16(tmp_path, monkeypatch, method, weights, recompute):
    monkeypatch.setattr(fit, "CHECKPOINT_ACTIVATIONS_FROM", 0 if recompute else 10**12)
    base = tiny_llama(tmp_path / "base")
    run = training_run(tmp_path, base, demo_samples(), method=method, epochs=2, held_out_share=0.1, device="cuda")
    assert work(run) == 0
    recipe = json.loads((tmp_path / "models" / "ref" / "recipe.json").read_text(encoding="utf-8"))
    assert recipe["weights_dtype"] == weights and recipe["compute_dtype"] == "bfloat16"
    assert recipe["activation_checkpointing"] is recompute
    assert recipe["held_out_loss_after"] < recipe["held_out_loss_before"]
