"""A LoRA reference on the base's own weights: switched off it is the base bit by bit, switched on the adapted model."""

from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from lobass_core.scoring.engine import Engine
from lobass_core.scoring.model_files import find_model
from lobass_core.scoring.models import LoadedModel, load_model, with_adapter
from lobass_core.specs import ModelSpec
from tests.models import tiny_llama, tiny_lora
from tests.token_tables import plain_nlls, random_table

TABLE = random_table([40, 31, 31, 12, 2], seed=9)


def nlls(loaded: LoadedModel) -> list[np.ndarray]:
    return [values for losses in Engine(loaded, TABLE, 64).score(np.arange(5)) for values in losses.token_nlls]


def test_switched_off_is_the_base_bit_by_bit(tmp_path: Path):
    base_path = tiny_llama(tmp_path / "base")
    adapters = [tiny_lora(tmp_path / f"lora-{seed}", base_path, seed=seed) for seed in (1, 2)]
    base = load_model(ModelSpec(str(base_path)), "float32", torch.device("cpu"))
    before = nlls(base)
    adapted = [
        with_adapter(base, find_model(ModelSpec(str(base_path), adapter=str(path))), f"fold-{number}")
        for number, path in enumerate(adapters)
    ]
    switched_on = [nlls(one) for one in adapted]
    for one, values in zip(adapters, switched_on, strict=True):
        alone = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base_path).double(), one).double().eval()
        for index in range(5):
            assert np.abs(values[index] - plain_nlls(alone, TABLE, index)).max() <= 5e-6
    assert all(np.array_equal(one, other) for one, other in zip(before, nlls(base), strict=True))
    assert not np.array_equal(switched_on[0][0], switched_on[1][0])
    assert not np.array_equal(switched_on[0][0], before[0])
    assert all(np.array_equal(one, other) for one, other in zip(switched_on[0], nlls(adapted[0]), strict=True))


def test_an_adapter_folder_alone_stands_on_the_base_that_it_names(tmp_path: Path):
    base_path = tiny_llama(tmp_path / "base")
    lora = tiny_lora(tmp_path / "lora", base_path)
    alone = load_model(ModelSpec(str(lora)), "float32", torch.device("cpu"))
    named = load_model(ModelSpec(str(base_path), adapter=str(lora)), "float32", torch.device("cpu"))
    assert all(np.array_equal(one, other) for one, other in zip(nlls(alone), nlls(named), strict=True))
