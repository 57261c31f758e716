"""The files that are fingerprinted are those that transformers opens, whatever else lies beside them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers.modeling_utils
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from lobass_core.errors import ModelError
from lobass_core.jobs.folder_checksums import write_sums
from lobass_core.scoring.fingerprint import model_fingerprint
from lobass_core.scoring.model_files import ModelFiles, find_model, weight_files
from lobass_core.specs import ModelSpec
from tests.jobs.test_checksums import flip_bit
from tests.models import tiny_llama, tiny_lora, tiny_model

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOBASS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def sharded(folder: Path) -> None:
    """Two shards and their index, without a whole file."""
    weights = load_file(folder / WHOLE)
    (folder / WHOLE).unlink()
    names = sorted(weights)
    halves = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, members in halves.items():
        save_file({name: weights[name] for name in members}, folder / file, {"format": "pt"})
    where = {name: file for file, members in halves.items() for name in members}
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": where}))


def whole_beside_shards(folder: Path) -> None:
    kept = (folder / WHOLE).read_bytes()
    sharded(folder)
    (folder / WHOLE).write_bytes(kept)


def stale_index_beside_whole(folder: Path) -> None:
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": {"x": "gone.safetensors"}}))


def variant_and_others_beside_whole(folder: Path) -> None:
    for name in ("model.fp16.safetensors", "consolidated.safetensors", "adapter_model.safetensors"):
        shutil.copy(folder / WHOLE, folder / name)


def named_by_the_config(folder: Path) -> None:
    shutil.copy(folder / WHOLE, folder / "other.safetensors")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "transformers_weights": "other.safetensors"}))


LAYOUTS = [
    lambda _: None,
    sharded,
    whole_beside_shards,
    stale_index_beside_whole,
    variant_and_others_beside_whole,
    named_by_the_config,
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_files_are_those_that_transformers_opens(tmp_path: Path, layout: Callable[[Path], None], monkeypatch):
    folder = tiny_llama(tmp_path / "m")
    layout(folder)
    opened: set[str] = set()
    real = transformers.modeling_utils.safe_open

    def noting(file, *settings, **more):
        opened.add(Path(file).name)
        return real(file, *settings, **more)

    monkeypatch.setattr(transformers.modeling_utils, "safe_open", noting)
    files = find_model(ModelSpec(str(folder)))
    AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    assert {path.name for path in weight_files(files)} == opened


def test_changed_weights_of_a_whole_file_beside_shards_are_another_model(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m")
    whole_beside_shards(folder)
    before = fingerprint(folder)
    save_file(dict(tiny_model(seed=1).state_dict()), folder / WHOLE, {"format": "pt"})
    assert fingerprint(folder) != before


def test_shards_that_nobody_reads_do_not_count(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m")
    whole_beside_shards(folder)
    before = fingerprint(folder)
    (folder / "a.safetensors").write_bytes(b"other")
    assert fingerprint(folder) == before


def fingerprint(folder: Path, **spec) -> str:
    return model_fingerprint(find_model(ModelSpec(str(folder), **spec)), "tokenizer", "float32").fp


def test_code_that_a_model_brings_counts_where_it_is_run(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModelForCausalLM": "own.Model"}}))
    (folder / "own.py").write_text("one = 1")
    trusted, untrusted = fingerprint(folder, trust_remote_code=True), fingerprint(folder)
    (folder / "own.py").write_text("one = 2")
    assert fingerprint(folder, trust_remote_code=True) != trusted
    assert fingerprint(folder) == untrusted


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["model.fp16.safetensors"], "model.fp16.safetensors, a variant of the weights"),
        (["consolidated.safetensors"], "contains no weights"),
        (["shard-00000-model-00001-of-00001.safetensors", WHOLE], "distributed checkpoint"),
        (["weights/config.json"], "There is a model in .*weights: use that folder"),
    ],
)
def test_what_transformers_would_not_load_is_refused_by_name(tmp_path: Path, names: list[str], words: str):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelError, match=words):
        find_model(ModelSpec(str(tmp_path)))


def test_an_adapter_inside_a_whole_model_is_not_put_on_unasked(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m")
    lora = tiny_lora(tmp_path / "lora", folder)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copy(lora / name, folder / name)
    with pytest.raises(ModelError, match="a full model and an adapter"):
        find_model(ModelSpec(str(folder)))


def test_an_adapter_beside_its_bases_config_is_an_adapter(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m")
    lora = tiny_lora(tmp_path / "lora", folder)
    shutil.copy(folder / "config.json", lora / "config.json")
    assert find_model(ModelSpec(str(lora))) == ModelFiles(folder, lora, "lora")


def test_an_adapter_finds_its_base_from_its_own_folder(tmp_path: Path):
    folder = tiny_llama(tmp_path / "m")
    lora = tiny_lora(tmp_path / "lora", folder)
    config = json.loads((lora / "adapter_config.json").read_text())
    (lora / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "../m"}))
    assert find_model(ModelSpec(str(lora))).folder.resolve() == folder


@pytest.mark.parametrize("n_folds", [1, 2])
def test_a_trained_model_whose_weights_have_changed_is_refused(tmp_path: Path, n_folds: int):
    folder = tiny_llama(tmp_path / "ref" / "fold-0" if n_folds > 1 else tmp_path / "ref")
    write_sums(tmp_path / "ref")
    files = find_model(ModelSpec(str(folder)))
    model_fingerprint(files, "tokenizer", "float32")
    flip_bit(folder / WHOLE, 8 * (folder / WHOLE).stat().st_size - 5)
    with pytest.raises(ModelError, match=r"model\.safetensors is not the file that the training saved .*SHA256SUMS"):
        model_fingerprint(files, "tokenizer", "float32")
