"""A linear layer with LoRA computes in one go what PEFT computes in five, and leaves to PEFT what is not plain."""

import copy

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora.layer import Linear as LoraLinear
from torch import nn

from lobass_core.scoring.adapted_linear import FusedLoraLinear
from lobass_core.scoring.products import compute_by
from tests.models import tiny_model


class Two(nn.Module):
    """A layer with a bias and one without, one on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(24, 40), nn.Linear(40, 8, bias=False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(states)))


def _adapted(**settings: object) -> PeftModel:
    torch.manual_seed(0)
    config = LoraConfig(r=4, lora_alpha=12, target_modules=["first", "second"], **{"lora_dropout": 0.0, **settings})
    model = get_peft_model(Two(), config)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize("library", ["mkl", "onednn"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"use_rslora": True}, {"use_dora": True}, {"lora_bias": True}, {"lora_dropout": 0.5}, {"bias": "all"}],
    ids=lambda settings: next(iter(settings), "plain"),
)
def test_values_and_gradients_are_those_of_peft_in_float64(library, settings):
    model = _adapted(**settings)
    plain = copy.deepcopy(model).double()
    compute_by(model, library)
    assert sum(type(module) is FusedLoraLinear for module in model.modules()) == 2
    states = torch.randn(3, 7, 24)
    results = []
    for one, dtype in ((model, torch.float32), (plain, torch.float64)):
        torch.manual_seed(5)
        if settings.get("lora_dropout"):
            one.eval()
        own = states.to(dtype).requires_grad_()
        result = one(own)
        trained = [parameter for parameter in one.parameters() if parameter.requires_grad]
        results.append((result, *torch.autograd.grad(result.square().sum(), [own, *trained])))
    assert len(results[0]) >= 6
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found.double(), expected, atol=2e-4, rtol=1e-4)
    with torch.inference_mode():
        torch.testing.assert_close(model(states).double(), plain(states.double()), atol=1e-5, rtol=1e-5)


def test_dropout_in_training_is_pefts_own():
    model = _adapted(lora_dropout=0.5).train()
    plain = copy.deepcopy(model)
    compute_by(model, "mkl")
    states = torch.randn(5, 24)
    results = []
    for one in (model, plain):
        torch.manual_seed(9)
        results.append(one(states))
    assert torch.equal(*results)


def test_switched_off_merged_and_two_adapters():
    model = _adapted()
    states = torch.randn(5, 24)
    bare = copy.deepcopy(model.get_base_model())
    compute_by(model, "mkl")
    with torch.inference_mode():
        alone = model(states)
        with model.disable_adapter():
            off = model(states)
        model.merge_adapter()
        merged = model(states)
        model.unmerge_adapter()
    plain = copy.deepcopy(bare)
    for module in plain.modules():
        if isinstance(module, LoraLinear):
            module.__class__ = LoraLinear
    with torch.inference_mode():
        torch.testing.assert_close(alone, plain(states), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(merged, alone, atol=1e-5, rtol=1e-5)
    assert (off - alone).abs().max() > 0.1
    model.add_adapter("other", LoraConfig(r=2, target_modules=["first", "second"]))
    model.base_model.set_adapter(["default", "other"])
    with torch.inference_mode():
        # The other begins at zero.
        torch.testing.assert_close(model(states), alone, atol=1e-5, rtol=1e-5)


def test_what_is_saved_stays_the_same(tmp_path):
    model = get_peft_model(tiny_model(), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    model.save_pretrained(tmp_path / "before")
    names = list(model.state_dict())
    compute_by(model, "onednn")
    assert list(model.state_dict()) == names
    model.save_pretrained(tmp_path / "after")
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "before" / file).read_bytes() == (tmp_path / "after" / file).read_bytes()
