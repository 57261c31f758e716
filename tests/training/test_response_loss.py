"""The training loss and its gradients are those of the model's own forward pass with labels, for every architecture."""

import numpy as np
import pytest
import torch

from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.output_head import find_output_head
from lobass_core.training import response_loss as module
from lobass_core.training.response_loss import IGNORED, response_loss
from tests.models import VOCAB_SIZE, each_architecture, tiny_model


def _loaded(architecture: str) -> LoadedModel:
    model = tiny_model(architecture).requires_grad_(True)
    return LoadedModel(model, torch.device("cpu"), torch.float32, find_output_head(model))


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Three right-padded samples of 9, 30 and 21 tokens; responses of 1, 12 and 20."""
    rng = np.random.default_rng(0)
    input_ids, labels = np.zeros((3, 30), dtype=np.int64), np.full((3, 30), IGNORED, dtype=np.int64)
    for row, (length, n_response) in enumerate([(9, 1), (30, 12), (21, 20)]):
        input_ids[row, :length] = rng.integers(5, VOCAB_SIZE, size=length)
        labels[row, length - n_response : length] = input_ids[row, length - n_response : length]
    return torch.from_numpy(input_ids), torch.from_numpy(labels)


def _independent(model: torch.nn.Module, input_ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean over all response tokens, one unpadded sample at a time, from the model's logits."""
    losses = []
    for ids, wanted in zip(input_ids, labels, strict=True):
        length = int((wanted != IGNORED).nonzero().max()) + 1
        logits = model(input_ids=ids[None, :length], use_cache=False).logits[0].float()
        places = (wanted[:length] != IGNORED).nonzero().squeeze(1)
        losses.append(-torch.log_softmax(logits[places - 1], dim=-1)[torch.arange(len(places)), ids[places]])
    return torch.cat(losses).mean()


# float32: sums in another order.
@pytest.mark.parametrize("architecture", each_architecture())
def test_loss_and_gradients_equal_an_independent_computation(architecture):
    input_ids, labels = _batch()
    ours, theirs = _loaded(architecture), _loaded(architecture)
    loss = response_loss(ours, input_ids, labels)
    expected = _independent(theirs.model, input_ids, labels)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    loss.backward()
    expected.backward()
    for (name, one), (_, other) in zip(ours.model.named_parameters(), theirs.model.named_parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None), name
        if one.grad is not None:
            assert torch.allclose(one.grad, other.grad, atol=2e-5, rtol=1e-3), name


@pytest.mark.parametrize("architecture", ["llama", "gemma2"])
def test_tiles_change_neither_loss_nor_gradients(architecture, monkeypatch):
    input_ids, labels = _batch()
    whole, tiled = _loaded(architecture), _loaded(architecture)
    loss = response_loss(whole, input_ids, labels)
    loss.backward()
    monkeypatch.setattr(module, "MOST_LOGITS", 5 * VOCAB_SIZE)
    again = response_loss(tiled, input_ids, labels)
    again.backward()
    assert again.item() == pytest.approx(loss.item(), abs=1e-6)
    for one, other in zip(whole.model.parameters(), tiled.model.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-6)
