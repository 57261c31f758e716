"""An adapter fits its base whole, or is refused before anything is scored."""

import json
import warnings
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, ShiraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from lobass_core.errors import ModelError
from lobass_core.scoring.adapters import check_adapter_fits, replaces_base_weights
from lobass_core.scoring.model_files import ModelFiles, find_model
from lobass_core.scoring.models import load_model
from lobass_core.specs import ModelSpec
from tests.models import tiny_folder, tiny_llama, tiny_lora

WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "base")


def on(base: Path, adapter: Path) -> ModelFiles:
    return find_model(ModelSpec(str(base), adapter=str(adapter)))


def refusals(base: Path, adapter: Path) -> list[str]:
    """What is said of the bare structure and of the loaded model, which must be the same."""
    said = []
    with pytest.raises(ModelError) as without_weights:
        check_adapter_fits(on(base, adapter), trust_remote_code=False)
    with pytest.raises(ModelError) as loaded:
        load_model(ModelSpec(str(base), adapter=str(adapter)), "float32", torch.device("cpu"))
    said = [str(without_weights.value), str(loaded.value)]
    assert said[0] == said[1]
    return said


def renamed(adapter: Path, change) -> Path:
    weights = {change(name): value for name, value in load_file(adapter / WEIGHTS).items()}
    save_file({name: value for name, value in weights.items() if name}, adapter / WEIGHTS, {"format": "pt"})
    return adapter


def test_an_adapter_that_fits_is_taken(base: Path, tmp_path: Path):
    check_adapter_fits(on(base, tiny_lora(tmp_path, base)), trust_remote_code=False)


def test_a_kind_that_needs_the_bases_weights_is_left_to_the_loading(base: Path, tmp_path: Path):
    """SHiRA draws its places from the weights, which the bare structure does not have."""
    model = AutoModelForCausalLM.from_pretrained(base)
    get_peft_model(model, ShiraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")).save_pretrained(tmp_path)
    check_adapter_fits(on(base, tmp_path), trust_remote_code=False)


def test_an_adapter_without_a_place_in_the_base(base: Path, tmp_path: Path):
    """PEFT only warns; the reference would be the base, and every score 0."""
    lora = renamed(tiny_lora(tmp_path, base), lambda name: name.replace("base_model.model.model.", "base_model.model."))
    said, _ = refusals(base, lora)
    assert "none of the adapter's 28 weights matches the base, such as base_model.model.layers.0.mlp" in said


def test_an_adapter_of_a_deeper_base(base: Path, tmp_path: Path):
    deeper = tiny_llama(tmp_path / "deeper", num_hidden_layers=4)
    said, _ = refusals(base, tiny_lora(tmp_path / "lora", deeper))
    assert "28 of the adapter's 56 weights do not match the base, such as base_model.model.model.layers.2." in said


def test_an_adapter_with_a_part_missing(base: Path, tmp_path: Path):
    lora = renamed(tiny_lora(tmp_path, base), lambda name: "" if "layers.1.mlp.up_proj" in name else name)
    said, _ = refusals(base, lora)
    assert "the adapter lacks 2 of the weights that its settings name, such as " in said and "up_proj" in said


def test_an_adapter_of_another_family(base: Path, tmp_path: Path):
    other = tiny_folder(tmp_path / "gpt2", "gpt2")
    said, _ = refusals(base, tiny_lora(tmp_path / "lora", other))
    assert "the base has none of the modules that the adapter changes, such as transformer.h.0.attn.c_attn" in said


def grown(folder: Path, base: Path, **settings) -> Path:
    """An adapter trained after two tokens were added to the base's vocabulary of 384."""
    model = AutoModelForCausalLM.from_pretrained(base)
    model.resize_token_embeddings(386)
    model.config.vocab_size = 384
    get_peft_model(model, LoraConfig(r=4, task_type="CAUSAL_LM", **settings)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens", "lm_head"]},
        {"target_modules": ["q_proj", "lm_head"]},
    ],
)
def test_an_adapter_of_a_grown_vocabulary(base: Path, tmp_path: Path, settings: dict):
    said, _ = refusals(base, grown(tmp_path, base, **settings))
    assert "was trained with a vocabulary of 386 tokens, but the base has 384" in said
    assert "resize_token_embeddings(386)" in said


def test_a_grown_vocabulary_fits_the_base_that_was_resized(base: Path, tmp_path: Path):
    lora = grown(tmp_path / "lora", base, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"])
    resized = AutoModelForCausalLM.from_pretrained(base)
    resized.resize_token_embeddings(386)
    resized.save_pretrained(tmp_path / "resized")
    check_adapter_fits(on(tmp_path / "resized", lora), trust_remote_code=False)


def test_prompt_tuning_is_refused(base: Path, tmp_path: Path):
    lora = tiny_lora(tmp_path, base)
    settings = {"peft_type": "PROMPT_TUNING", "task_type": "CAUSAL_LM", "num_virtual_tokens": 4}
    (lora / "adapter_config.json").write_text(json.dumps(settings))
    assert "adds virtual tokens" in refusals(base, lora)[0]


def test_weights_that_an_adapter_writes_over_the_bases_own_are_seen(base: Path, tmp_path: Path):
    plain, biased = tiny_lora(tmp_path / "a", base), tiny_lora(tmp_path / "b", base)
    renamed(biased, lambda name: name.replace("up_proj.lora_A.weight", "up_proj.base_layer.weight"))
    assert not replaces_base_weights(on(base, plain))
    assert replaces_base_weights(on(base, biased))


def test_an_adapter_says_nothing_about_names_that_were_given_up(base: Path, tmp_path: Path):
    files = on(base, tiny_lora(tmp_path, base))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        check_adapter_fits(files, trust_remote_code=False)
    assert [str(one.message) for one in said if one.category is FutureWarning] == []
