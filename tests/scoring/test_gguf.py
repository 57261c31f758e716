"""A .gguf file as a model: the same numbers as the folder it was made from, its own fingerprint, clear refusals."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from lobass_core.errors import ModelError
from lobass_core.scoring.engine import Engine
from lobass_core.scoring.fingerprint import model_fingerprint
from lobass_core.scoring.model_files import config_of, find_model, position_limit, weight_bytes
from lobass_core.scoring.models import load_model, load_tokenizer
from lobass_core.specs import ModelSpec
from lobass_core.training.trainable import make_trainable, save
from tests.gguf_model import tiny_gguf
from tests.models import CHATML, MAX_POSITIONS, tiny_llama, tiny_lora, tiny_model, tiny_tokenizer
from tests.token_tables import random_table
from tests.worker.runs import samples, score_run, work

CPU = torch.device("cpu")
TABLE = random_table([40, 31, 12], seed=9)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOBASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def nlls(spec: ModelSpec) -> np.ndarray:
    engine = Engine(load_model(spec, "float32", CPU), TABLE, 64)
    return np.concatenate([values for losses in engine.score(np.arange(3)) for values in losses.token_nlls])


def test_its_losses_are_those_of_the_folder(tmp_path: Path):
    file, folder = tiny_gguf(tmp_path / "m.gguf"), tiny_llama(tmp_path / "m")
    assert np.abs(nlls(ModelSpec(str(file))) - nlls(ModelSpec(str(folder)))).max() <= 5e-6


def test_its_settings_and_tokenizer(tmp_path: Path):
    spec = ModelSpec(str(tiny_gguf(tmp_path / "m.gguf")))
    files = find_model(spec)
    assert (files.folder, files.gguf, files.name) == (tmp_path, "m.gguf", "m.gguf")
    assert position_limit(config_of(files)) == MAX_POSITIONS
    assert weight_bytes(files) == 4 * tiny_model().num_parameters()
    tokenizer, original = load_tokenizer(spec), tiny_tokenizer()
    # transformers' reader adds GPT-2's own end token where a vocabulary lacks it.
    assert tokenizer.get_vocab() == {**original.get_vocab(), "<|endoftext|>": 384}
    assert tokenizer.chat_template == CHATML
    text = "<|im_start|>user\nWhat is 12 and 30? 你好<|im_end|>"
    assert tokenizer.encode(text, add_special_tokens=False) == original.encode(text, add_special_tokens=False)


def test_its_fingerprint_is_of_the_file(tmp_path: Path):
    def fp(path: Path) -> str:
        return model_fingerprint(find_model(ModelSpec(str(path))), "tokenizer", "float32").fp

    first, same, other = (tiny_gguf(tmp_path / f"{name}.gguf", seed=name == "c") for name in ("a", "b", "c"))
    (tmp_path / "config.json").write_text("{}")
    assert fp(first) != fp(other)
    before = fp(first)
    same.replace(first)
    assert fp(first) == before


def test_an_adapter_on_it(tmp_path: Path):
    file, folder = tiny_gguf(tmp_path / "m.gguf"), tiny_llama(tmp_path / "m")
    lora = tiny_lora(tmp_path / "lora", folder)
    on_file, on_folder = (nlls(ModelSpec(str(base), adapter=str(lora))) for base in (file, folder))
    assert np.abs(on_file - on_folder).max() <= 5e-6


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_reference_trained_on_it_is_an_ordinary_folder(tmp_path: Path, method: str):
    spec = ModelSpec(str(tiny_gguf(tmp_path / "m.gguf")))
    loaded = load_model(spec, "float32", CPU)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        make_trainable(loaded, method, 4)
        save(loaded, load_tokenizer(spec), tmp_path / "ref")
    # peft looks for the config.json of its base at every checkpoint.
    assert [str(one.message) for one in said if "config" in str(one.message)] == []
    # A fresh LoRA changes nothing; alone, it finds the file that it stands on.
    assert np.abs(nlls(ModelSpec(str(tmp_path / "ref"))) - nlls(spec)).max() <= 5e-6


def test_a_run_scores_it(tmp_path: Path):
    file, other = tiny_gguf(tmp_path / "m.gguf"), tiny_gguf(tmp_path / "n.gguf", seed=1)
    run = score_run(tmp_path / "runs", samples(5), file, ModelSpec(str(other)))
    assert work(run) == 0, run.read_progress().error


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("m-00001-of-00002.gguf", b"GGUF", "one part of a GGUF model"),
        ("m.gguf", b"PK\x03\x04", "not in GGUF format"),
        ("m.gguf", b"GGUF", r"the model cannot be loaded: .*m\.gguf\). Check that the file is a complete"),
        ("model.safetensors", b"", "a model is a folder or a .gguf file"),
    ],
)
def test_files_that_are_no_model(tmp_path: Path, name: str, content: bytes, words: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=words):
        load_model(ModelSpec(str(tmp_path / name)), "float32", CPU)


def test_a_folder_of_gguf_files_asks_for_the_file(tmp_path: Path):
    tiny_gguf(tmp_path / "q4.gguf")
    with pytest.raises(ModelError, match=r"only GGUF files .* Name the file: .*q4\.gguf"):
        find_model(ModelSpec(str(tmp_path)))


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tiny_gguf(tmp_path / "m.gguf")
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gguf" else real(name))
    with pytest.raises(ModelError, match=r"needs the package gguf .*pip install 'lobass\[gguf\]'"):
        find_model(ModelSpec(str(file)))
