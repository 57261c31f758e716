"""Loading: what is found, what is refused and in which words; fingerprints by content."""

import json
import os
from pathlib import Path

import pytest
import torch

from lobass_core.errors import IncomparableLossesError, ModelError, RequestError
from lobass_core.scoring.fingerprint import file_sha256, model_fingerprint
from lobass_core.scoring.model_files import find_model, position_limit
from lobass_core.scoring.models import check_same_vocabulary, choose_device, choose_dtype, load_model, load_tokenizer
from lobass_core.specs import ModelSpec
from tests.models import tiny_llama, tiny_lora, tiny_model, tiny_tokenizer

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOBASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def fp(path: Path, adapter: str = "", dtype: str = "float32") -> str:
    return model_fingerprint(find_model(ModelSpec(str(path), adapter)), "tokenizer", dtype).fp


def test_a_model_folder_loads_in_eval_mode(tmp_path: Path):
    loaded = load_model(ModelSpec(str(tiny_llama(tmp_path / "m"))), "float32", CPU)
    assert not loaded.model.training
    assert loaded.note == ""
    assert loaded.n_parameters == tiny_model().num_parameters()
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("./nowhere", "no such model folder"),
        ("/nowhere/at/all", "no such model folder"),
        ("nobody/nothing", "not in the"),
    ],
)
def test_a_model_that_is_not_there(path: str, words: str):
    with pytest.raises(ModelError, match=words):
        find_model(ModelSpec(path))


def test_a_folder_without_weights(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError, match="contains no weights"):
        find_model(ModelSpec(str(tmp_path)))


def test_a_folder_without_a_model(tmp_path: Path):
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        find_model(ModelSpec(str(tmp_path)))


def test_pickled_weights_are_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match="pickled"):
        find_model(ModelSpec(str(tmp_path)))


def test_a_weight_index_may_not_point_outside(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../secret"}}))
    with pytest.raises(ModelError, match="outside the model"):
        find_model(ModelSpec(str(tmp_path)))


def test_torn_weights_are_an_error_in_words(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(ModelSpec(str(folder)), "float32", CPU)


def test_missing_weights_are_never_random(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelError, match="weights are missing"):
        load_model(ModelSpec(str(folder)), "float32", CPU)


def test_code_of_a_models_own_is_not_run_unasked(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "evil", "auto_map": own}))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelError):
        load_model(ModelSpec(str(folder)), "float32", CPU)
    assert not (tmp_path / "ran").exists()


def test_a_tokenizer_that_is_a_sentencepiece_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from transformers.utils import sentencepiece_model_pb2_new as sentencepiece_model

    tiny_model().save_pretrained(tmp_path)
    model = sentencepiece_model.ModelProto()
    for piece in ("<unk>", "<s>", "</s>", "\u2581a"):
        model.pieces.add(piece=piece, score=0.0)
    (tmp_path / "tokenizer.model").write_bytes(model.SerializeToString())
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
    with pytest.raises(ModelError, match=r"is a SentencePiece file \(tokenizer\.model\)") as refused:
        load_tokenizer(ModelSpec(str(tmp_path)))
    assert "tiktoken" not in str(refused.value)
    assert refused.value.do == "Run pip install sentencepiece, or add the model's tokenizer.json to the folder."


def test_a_model_without_a_tokenizer(tmp_path: Path):
    tiny_model().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="no tokenizer"):
        load_tokenizer(ModelSpec(str(tmp_path)))


def test_vocabularies_must_agree():
    base, same, more = tiny_tokenizer(), tiny_tokenizer(None), tiny_tokenizer()
    more.add_special_tokens({"pad_token": "[PAD]"})
    assert check_same_vocabulary(base, same, base_name="b", reference_name="r") == ()
    (note,) = check_same_vocabulary(base, more, base_name="b", reference_name="r")
    assert note == "r has 1 tokens that b lacks; they are never used."
    with pytest.raises(IncomparableLossesError, match="1 of 385 tokens differ"):
        check_same_vocabulary(more, base, base_name="b", reference_name="r")


def test_the_fingerprint_is_of_the_content_not_the_path(tmp_path: Path):
    first = tiny_llama(tmp_path / "a")
    moved = tiny_llama(tmp_path / "b")
    other = tiny_llama(tmp_path / "c", seed=1)
    assert fp(first) == fp(moved) != fp(other)
    assert fp(first) != fp(first, dtype="bfloat16")
    lora = tiny_lora(tmp_path / "lora", first)
    assert fp(first, adapter=str(lora)) != fp(first)


def test_other_weights_under_the_same_path_are_another_model(tmp_path: Path):
    folder = tiny_llama(tmp_path / "a")
    before = fp(folder)
    tiny_llama(folder, seed=1)
    assert fp(folder) != before


def test_a_config_that_computes_something_else_is_another_model(tmp_path: Path):
    folder = tiny_llama(tmp_path / "a")
    before = fp(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "transformers_version": "9.9", "use_cache": False}))
    assert fp(folder) == before
    (folder / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.1}))
    assert fp(folder) != before


def test_a_weight_file_is_read_once(tmp_path: Path):
    path = tmp_path / "w"
    path.write_bytes(b"a" * 100)
    read: list[int] = []
    first = file_sha256(path, read.append)
    assert file_sha256(path, read.append) == first
    assert read == [100]
    facts = path.stat()
    path.write_bytes(b"b" * 100)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert file_sha256(path, read.append) != first


def test_devices_and_dtypes():
    assert choose_device("cpu") == CPU
    assert choose_dtype("auto", CPU) == "float32"
    with pytest.raises(RequestError):
        choose_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(RequestError, match="no device 'cuda'"):
            choose_device("cuda")


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        ({"max_position_embeddings": 512}, 512),
        ({"n_positions": 1024}, 1024),
        ({}, None),
        ({"text_config": {"n_positions": 7}}, 7),
    ],
)
def test_how_far_a_model_reads(config: dict, limit: int | None):
    assert position_limit(config) == limit
