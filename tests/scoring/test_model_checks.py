"""Models that must not score: damaged weights, sizes that do not fit, encoders."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from lobass_core.errors import ModelError
from lobass_core.scoring.model_checks import check_causal
from lobass_core.scoring.models import load_model
from lobass_core.specs import ModelSpec
from tests.models import ARCHITECTURES, VOCAB_SIZE, tiny_llama, tiny_lora, tiny_model, tiny_tokenizer

CPU = torch.device("cpu")
_ENCODER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


def changed(folder: Path, name: str, change) -> Path:
    """The same folder with one tensor of its weights changed."""
    (path,) = folder.glob("*model.safetensors")
    weights = load_file(path)
    weights[name] = change(weights[name])
    save_file(weights, path, {"format": "pt"})
    return folder


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_numbers_are_named(tmp_path: Path, value: float):
    def spoil(weight: torch.Tensor) -> torch.Tensor:
        weight[3, 5] = value
        return weight

    name = "model.layers.0.mlp.up_proj.weight"
    folder = changed(tiny_llama(tmp_path / "m"), name, spoil)
    with pytest.raises(ModelError, match=rf"1 of 1,536 numbers in {name} are NaN or infinite"):
        load_model(ModelSpec(str(folder)), "float32", CPU)


def test_an_adapters_weights_are_looked_at_too(tmp_path: Path):
    base = tiny_llama(tmp_path / "m")
    name = "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"
    lora = changed(tiny_lora(tmp_path / "lora", base), name, lambda weight: weight * float("nan"))
    with pytest.raises(ModelError, match=r"up_proj\.lora_A.* are NaN"):
        load_model(ModelSpec(str(base), adapter=str(lora)), "float32", CPU)


def test_weights_of_another_size_are_named_with_both_sizes(tmp_path: Path):
    folder = changed(tiny_llama(tmp_path / "m"), "lm_head.weight", lambda weight: weight[:-10].clone())
    with pytest.raises(ModelError, match=r"weight lm_head.weight has the size 374 x 32 in the file, .* 384 x 32"):
        load_model(ModelSpec(str(folder)), "float32", CPU)


def test_weights_that_stay_unused_are_said(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m", num_hidden_layers=3)
    config = AutoConfig.from_pretrained(folder)
    config.num_hidden_layers = 2
    config.layer_types = None
    config.save_pretrained(folder)
    loaded = load_model(ModelSpec(str(folder)), "float32", CPU)
    example = "model.layers.2.input_layernorm.weight"
    assert loaded.note == f"The files contain weights that the model does not use (9, such as {example})."


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"])
def test_an_encoder_is_refused(tmp_path: Path, family: str):
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, vocab_size=VOCAB_SIZE, **_ENCODER)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=f"{family} is not causal here"):
        load_model(ModelSpec(str(tmp_path)), "float32", CPU)


def test_an_encoder_made_a_decoder_is_taken(tmp_path: Path):
    config = AutoConfig.for_model("bert", vocab_size=VOCAB_SIZE, is_decoder=True, **_ENCODER)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    assert load_model(ModelSpec(str(tmp_path)), "float32", CPU).head is None


def test_a_known_family_that_was_made_an_encoder_is_refused(tmp_path: Path):
    folder = tmp_path / "m"
    tiny_model("gemma3", use_bidirectional_attention=True).save_pretrained(folder)
    with pytest.raises(ModelError, match="gemma3_text is not causal here"):
        load_model(ModelSpec(str(folder)), "float32", CPU)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_causal_models_pass_in_every_dtype(architecture: str, dtype: torch.dtype):
    check_causal(tiny_model(architecture).to(dtype), VOCAB_SIZE, "")


def test_an_encoder_is_seen_in_bfloat16_too():
    torch.manual_seed(0)
    encoder = AutoModelForCausalLM.from_config(AutoConfig.for_model("bert", vocab_size=VOCAB_SIZE, **_ENCODER))
    with pytest.raises(ModelError, match="not causal"):
        check_causal(encoder.bfloat16().eval(), VOCAB_SIZE, "")
