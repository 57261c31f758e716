"""oneDNN multiplies what torch multiplies, any rows, a bias or none; layers keep to it in every pass and thread."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from lobass_core.scoring import products
from lobass_core.scoring.onednn import OneDnnLinear, onednn_or_plain
from lobass_core.scoring.products import compute_by, fastest_library, has_onednn, onednn_is_faster
from tests.models import tiny_model

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(1, 96), (257, 96), (3, 17, 96), (0, 96)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_products_are_those_of_float64(shape: tuple[int, ...], with_bias: bool):
    torch.manual_seed(0)
    states = torch.randn(*shape[:-1], 2 * shape[-1])[..., ::2]
    weight, bias = torch.randn(400, 96)[100:333], torch.randn(400)[100:333] if with_bias else None
    with torch.inference_mode():
        found = onednn_or_plain(states, weight, bias)
    expected = functional.linear(states.double(), weight.double(), None if bias is None else bias.double())
    assert found.shape == expected.shape and found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=5e-5)


@pytest.mark.parametrize("frozen", [(), ("states",), ("weight",), ("states", "bias")])
def test_gradients_are_those_of_float64(frozen: tuple[str, ...]):
    torch.manual_seed(0)
    made = {"states": torch.randn(3, 17, 96), "weight": torch.randn(40, 96), "bias": torch.randn(40)}
    outward = torch.randn(3, 17, 40)
    wanted = [name for name in made if name not in frozen]
    gradients = []
    for dtype, way in ((torch.float32, onednn_or_plain), (torch.float64, functional.linear)):
        own = {name: value.to(dtype).requires_grad_(name in wanted) for name, value in made.items()}
        loss = (way(own["states"], own["weight"], own["bias"]) * outward.to(dtype)).sum()
        gradients.append(torch.autograd.grad(loss, [own[name] for name in wanted]))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-4)


def test_a_frozen_weight_keeps_no_states_for_the_way_back():
    """Nor does a trained one keep a padded copy of its own: layers beside each other share what they keep."""
    states, weight = torch.randn(5, 96, requires_grad=True), torch.randn(40, 96)
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        onednn_or_plain(states, weight)
        assert [tensor.data_ptr() for tensor in kept] == [weight.data_ptr()]
        kept.clear()
        onednn_or_plain(states, weight.requires_grad_())
    assert [tensor.data_ptr() for tensor in kept] == [states.data_ptr(), weight.data_ptr()]


def test_other_types_stay_with_torch():
    with torch.inference_mode():
        for dtype in (torch.float64, torch.bfloat16):
            states, weight = torch.randn(4, 8, dtype=dtype), torch.randn(3, 8, dtype=dtype)
            assert torch.equal(onednn_or_plain(states, weight), states @ weight.T)


def test_a_model_changes_its_library_and_nothing_else():
    model = tiny_model("phi")
    before, n_linear = copy.deepcopy(model.state_dict()), sum(type(one) is nn.Linear for one in model.modules())
    compute_by(model, "onednn")
    assert sum(type(one) is OneDnnLinear for one in model.modules()) == n_linear > 0
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    compute_by(model, "mkl")
    assert sum(type(one) is nn.Linear for one in model.modules()) == n_linear


def test_only_float32_on_a_cpu_that_gains_by_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    assert fastest_library(CPU, torch.float32) == "onednn"
    assert fastest_library(CPU, torch.bfloat16) == "mkl"
    assert fastest_library(torch.device("cuda"), torch.float32) == "mkl"
    monkeypatch.setattr(products, "onednn_is_faster", lambda: False)
    assert fastest_library(CPU, torch.float32) == "mkl"


def test_a_trial_leaves_the_threads_as_they_were(monkeypatch: pytest.MonkeyPatch):
    threads = torch.get_num_threads()
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    assert onednn_is_faster.__wrapped__() in (False, True)
    assert asked == [1, threads]


@pytest.mark.parametrize("error", [AttributeError, RuntimeError, NotImplementedError])
def test_a_torch_without_onednn_or_its_operator_keeps_its_own(error: type[Exception], monkeypatch: pytest.MonkeyPatch):
    def lacking(*_: object) -> torch.Tensor:
        raise error("no such operator")

    assert has_onednn.__wrapped__()
    with monkeypatch.context() as patch:
        patch.setattr(products, "onednn_linear", lacking)
        assert not has_onednn.__wrapped__()
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not has_onednn.__wrapped__()
    monkeypatch.setattr(products, "has_onednn", lambda: False)
    assert not onednn_is_faster.__wrapped__()
