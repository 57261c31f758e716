"""oneDNN multiplies what torch multiplies: any rows, a bias or none, views of larger matrices; other calls pass by."""

from contextlib import nullcontext

import pytest
import torch
from torch.nn import functional

from lobass_core.scoring import products
from lobass_core.scoring.products import OneDnnProducts, fastest_products, onednn_is_faster

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(1, 96), (257, 96), (3, 17, 96), (0, 96)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_products_are_those_of_float64(shape: tuple[int, ...], with_bias: bool):
    torch.manual_seed(0)
    states = torch.randn(*shape[:-1], 2 * shape[-1])[..., ::2]
    weight, bias = torch.randn(400, 96)[100:333], torch.randn(400)[100:333] if with_bias else None
    with torch.inference_mode(), OneDnnProducts():
        found = functional.linear(states, weight, bias)
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
    for dtype, way in ((torch.float32, OneDnnProducts()), (torch.float64, nullcontext())):
        with way:
            own = {name: value.to(dtype).requires_grad_(name in wanted) for name, value in made.items()}
            loss = (functional.linear(own["states"], own["weight"], own["bias"]) * outward.to(dtype)).sum()
            gradients.append(torch.autograd.grad(loss, [own[name] for name in wanted]))
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-4)


def test_other_types_stay_with_torch():
    with torch.inference_mode(), OneDnnProducts():
        for dtype in (torch.float64, torch.bfloat16):
            states, weight = torch.randn(4, 8, dtype=dtype), torch.randn(3, 8, dtype=dtype)
            assert torch.equal(functional.linear(states, weight), states @ weight.T)


def test_only_float32_on_a_cpu_that_gains_by_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    assert isinstance(fastest_products(CPU, torch.float32), OneDnnProducts)
    assert not isinstance(fastest_products(CPU, torch.bfloat16), OneDnnProducts)
    assert not isinstance(fastest_products(torch.device("cuda"), torch.float32), OneDnnProducts)
    monkeypatch.setattr(products, "onednn_is_faster", lambda: False)
    assert not isinstance(fastest_products(CPU, torch.float32), OneDnnProducts)


def test_a_torch_without_onednn_keeps_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not onednn_is_faster.__wrapped__()


@pytest.mark.parametrize("error", [AttributeError, RuntimeError, NotImplementedError])
def test_a_torch_whose_onednn_lacks_the_operator_keeps_its_own(error: type[Exception], monkeypatch: pytest.MonkeyPatch):
    def lacking(*_: object) -> torch.Tensor:
        raise error("no such operator")

    monkeypatch.setattr(products, "onednn_linear", lacking)
    assert not onednn_is_faster.__wrapped__()
