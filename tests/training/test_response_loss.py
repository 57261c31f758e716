"""The training loss and its gradients are those of the model's own forward pass with labels, in float64.

Whole and LoRA, tied and untied heads, with bias, soft cap and scale, in one slice of logits and several, with and
without activation checkpointing, by either library for products.
"""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.onednn import FEW_SHAPES
from lobass_core.scoring.output_head import OutputHead, find_output_head
from lobass_core.scoring.products import Library, compute_by
from lobass_core.specs import TrainMethod
from lobass_core.training import head_loss
from lobass_core.training.response_loss import IGNORED, micro_batches, n_targets, response_loss_sum
from lobass_core.training.trainable import make_trainable
from tests.models import VOCAB_SIZE, each_architecture, tiny_model

# Heads of every kind: untied, tied, with a soft cap, a factor on the logits, a bias.
HEADS = ("llama", "llama-tied", "gemma2", "cohere", "granite", "phi")
CPU = torch.device("cpu")
# Nats a token, and of gradients that reach 1: float32 rounding over two layers of wide random weights.
LOSS, GRADIENT = 1e-5, 5e-5


def _loaded(architecture: str, method: TrainMethod = "full", library: Library = "mkl") -> LoadedModel:
    model = tiny_model(architecture).requires_grad_(False)
    loaded = LoadedModel(model, CPU, torch.float32, find_output_head(model))
    torch.manual_seed(1)
    make_trainable(loaded, method, lora_rank=4)
    for name, parameter in loaded.model.named_parameters():
        if "lora_B" in name:
            # PEFT begins with zeros, through which no gradient reaches the other matrix.
            torch.nn.init.normal_(parameter, std=0.1)
    compute_by(loaded.model, library)
    return loaded


def _double(loaded: LoadedModel) -> torch.nn.Module:
    """The model in float64, all of it computed by PEFT and torch as they are."""
    double = copy.deepcopy(loaded.model)
    for module in double.modules():
        if type(module).__module__.startswith("lobass_core."):
            module.__class__ = type(module).__mro__[1]
    double = double.double()
    # Grouped products of experts have no float64.
    getattr(double, "get_base_model", lambda: double)().set_experts_implementation("eager")
    return double


def _batch(sizes: tuple[tuple[int, int], ...] = ((9, 1), (30, 12), (21, 20))) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded samples of (tokens, response tokens)."""
    rng = np.random.default_rng(0)
    width = max(length for length, _ in sizes)
    input_ids, labels = (
        np.zeros((len(sizes), width), dtype=np.int64),
        np.full((len(sizes), width), IGNORED, dtype=np.int64),
    )
    for row, (length, n_response) in enumerate(sizes):
        input_ids[row, :length] = rng.integers(5, VOCAB_SIZE, size=length)
        labels[row, length - n_response : length] = input_ids[row, length - n_response : length]
    return torch.from_numpy(input_ids), torch.from_numpy(labels)


LONG = ((90, 70), (80, 60), (61, 20))


def _independent(model: torch.nn.Module, input_ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean over all response tokens, one unpadded sample at a time, from the model's logits."""
    losses = []
    for ids, wanted in zip(input_ids, labels, strict=True):
        length = int((wanted != IGNORED).nonzero().max()) + 1
        logits = model(input_ids=ids[None, :length], use_cache=False).logits[0]
        places = (wanted[:length] != IGNORED).nonzero().squeeze(1)
        losses.append(-torch.log_softmax(logits[places - 1], dim=-1)[torch.arange(len(places)), ids[places]])
    return torch.cat(losses).mean()


def _check(loaded: LoadedModel, input_ids: torch.Tensor, labels: torch.Tensor) -> None:
    double = _double(loaded)
    loss = response_loss_sum(loaded, input_ids, labels) / n_targets(labels)
    expected = _independent(double, input_ids, labels)
    assert loss.item() == pytest.approx(expected.item(), abs=LOSS)
    loss.backward()
    expected.backward()
    n_compared = 0
    for (name, one), (_, other) in zip(loaded.model.named_parameters(), double.named_parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None), name
        if one.grad is not None:
            torch.testing.assert_close(one.grad.double(), other.grad, atol=GRADIENT, rtol=1e-3, msg=name)
            n_compared += 1
    assert n_compared > 0


@pytest.mark.parametrize("architecture", each_architecture())
def test_loss_and_gradients_of_every_architecture(architecture):
    _check(_loaded(architecture), *_batch())


@pytest.mark.slow
@pytest.mark.parametrize("library", ["mkl", "onednn"])
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("architecture", HEADS)
def test_several_slices_of_every_head(architecture, method, library, monkeypatch):
    """150 predicted tokens in slices of 64: what crashed with every real vocabulary while oneDNN multiplied."""
    monkeypatch.setattr(head_loss, "MOST_LOGITS", FEW_SHAPES * VOCAB_SIZE)
    _check(_loaded(architecture, method, library), *_batch(LONG))


@pytest.mark.parametrize("library", ["mkl", "onednn"])
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("most_logits", [FEW_SHAPES * VOCAB_SIZE, 1 << 25], ids=["slices", "whole"])
def test_activation_checkpointing(method, library, most_logits, monkeypatch):
    monkeypatch.setattr(head_loss, "MOST_LOGITS", most_logits)
    loaded = _loaded("llama-tied", method, library)
    loaded.causal_lm.gradient_checkpointing_enable({"use_reentrant": False})
    loaded.model.train()
    forwards: list[int] = []
    loaded.body.layers[0].mlp.register_forward_pre_hook(lambda *_: forwards.append(1))
    _check(loaded, *_batch(LONG))
    # Forward and again on the way back; the copy in float64 does the same a row at a time.
    assert len(forwards) == 2 + 2 * len(LONG)


def test_a_head_that_is_more_than_a_matrix(monkeypatch):
    """Its logits are computed twice instead of being kept."""

    class Halved(nn.Module):
        def __init__(self, linear: nn.Module) -> None:
            super().__init__()
            self.linear = linear

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return self.linear(states) / 2

    monkeypatch.setattr(head_loss, "MOST_LOGITS", 40 * VOCAB_SIZE)
    loaded = _loaded("gemma2", "full", "onednn")
    loaded.causal_lm.lm_head = Halved(loaded.causal_lm.lm_head)
    loaded.head = OutputHead(loaded.causal_lm.lm_head, 1.0, loaded.head.softcap)
    _check(loaded, *_batch(LONG))


def test_a_model_without_a_fast_path_in_few_rows_at_a_time(monkeypatch):
    monkeypatch.setattr(head_loss, "MOST_LOGITS", 85 * VOCAB_SIZE)
    loaded = _loaded("bloom")
    seen: list[tuple[int, ...]] = []
    loaded.model.lm_head.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape[:2])))
    double = _double(loaded)
    loss = response_loss_sum(loaded, *_batch(LONG))
    loss.backward()
    assert seen[:3] == [(1, 89), (1, 79), (1, 60)] and len(seen) == 6
    expected = _independent(double, *_batch(LONG))
    assert loss.item() / 150 == pytest.approx(expected.item(), abs=LOSS)


@pytest.mark.parametrize("wanted", ["states", "weight", "bias"])
def test_the_head_gives_only_the_gradients_that_are_wanted(wanted):
    torch.manual_seed(0)
    linear = nn.Linear(16, 100)
    linear.requires_grad_(False)
    states, targets = torch.randn(70, 16), torch.randint(0, 100, (70,))
    tensors = {"states": states, "weight": linear.weight, "bias": linear.bias}
    tensors[wanted].requires_grad_(True)
    head_loss.head_loss_sum(states, targets, OutputHead(linear)).mul(3).backward()
    found = {name: tensor.grad for name, tensor in tensors.items()}
    assert [name for name, gradient in found.items() if gradient is not None] == [wanted]
    double = [tensor.detach().double().requires_grad_() for tensor in tensors.values()]
    logits = nn.functional.linear(*double)
    (3 * nn.functional.cross_entropy(logits, targets, reduction="sum")).backward()
    expected = dict(zip(tensors, (tensor.grad for tensor in double), strict=True))[wanted]
    torch.testing.assert_close(found[wanted].double(), expected, atol=1e-4, rtol=1e-5)


def test_logits_in_bfloat16_are_those_of_autocast():
    """As on a GPU: float32 weights, products in bfloat16, the softmax in float32."""
    torch.manual_seed(0)
    linear = nn.Linear(64, 500)
    states, targets = torch.randn(70, 64, requires_grad=True), torch.randint(0, 500, (70,))
    gradients = []
    for way in ("ours", "torch"):
        with torch.autocast("cpu", torch.bfloat16):
            if way == "ours":
                loss = head_loss.head_loss_sum(states, targets, OutputHead(linear))
            else:
                loss = nn.functional.cross_entropy(linear(states).float(), targets, reduction="sum")
        gradients.append((loss, *torch.autograd.grad(loss, (states, linear.weight, linear.bias))))
    for one, other in zip(*gradients, strict=True):
        # Both round the gradient of the logits to 8 bits; the sum over tokens is taken in float32 here.
        torch.testing.assert_close(one, other, rtol=1e-2, atol=5e-2)


def test_no_more_logits_than_a_slice_are_ever_held(monkeypatch):
    """A vocabulary of 50,000, 400 predicted tokens: 80 MB of logits; slices of 64 rows are 13 MB."""
    monkeypatch.setattr(head_loss, "MOST_LOGITS", 64 * 50_000)
    linear = nn.Linear(8, 50_000, bias=False).requires_grad_(False)
    states = torch.randn(400, 8, requires_grad=True)
    kept: list[int] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.numel())
        return tensor

    shapes: list[int] = []
    monkeypatch.setattr(OutputHead, "shape", lambda _, logits: shapes.append(logits.numel()) or logits)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        head_loss.head_loss_sum(states, torch.zeros(400, dtype=torch.int64), OutputHead(linear)).backward()
    assert max(shapes) == 64 * 50_000 and len(shapes) == 7
    assert max(kept, default=0) < 64 * 50_000
    assert states.grad is not None and linear.weight.grad is None


def test_micro_batches_are_whole_rows_within_the_limit():
    input_ids, labels = _batch(((30, 5), (28, 28), (9, 3), (4, 2), (3, 1)))
    parts = list(micro_batches(input_ids, labels, 40))
    assert [tuple(ids.shape) for ids, _ in parts] == [(1, 30), (1, 28), (3, 9)]
    assert torch.equal(torch.cat([ids[:, :3] for ids, _ in parts]), input_ids[:, :3])
    assert sum(n_targets(wanted) for _, wanted in parts) == n_targets(labels)
    assert [tuple(ids.shape) for ids, _ in micro_batches(input_ids, labels, 10**9)] == [(5, 30)]
