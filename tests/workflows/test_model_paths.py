"""A model that cannot be there is told before anything is started, and one that may be is let through."""

from pathlib import Path

import pytest

from lobass_core.errors import ModelError
from lobass_core.specs import ModelSpec, ScoreSpec
from lobass_core.workflows.model_paths import why_no_model, why_not


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, an adapter, a GGUF file, a folder of models, and one that is none; we stand in it."""
    for folder, file in (("model", "config.json"), ("lora", "adapter_config.json"), ("models/inner", "config.json")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file).write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    (tmp_path / "notes.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["model", "lora", "model.gguf", "models/inner", "org/name", "gpt2", "org/name.v1.5"])
def test_what_may_be_there_is_let_through(here: Path, name: str) -> None:
    assert why_no_model(ModelSpec(name)) is None
    assert why_no_model(ModelSpec("org/base", adapter=name)) is None


REFUSED = {
    "/nowhere/base": "there is no such model folder",
    "./modell": "there is no such model folder",
    "~/no-such-folder-of-models": "there is no such model folder",
    "models/outer": "there is no such model folder",
    "a/b/c": "there is no such model folder",
    "other.gguf": "there is no such model folder",
    "two words": "there is no such model folder",
    "notes.txt": "a model is a folder or a .gguf file",
    "empty": "this folder contains no model: config.json is missing",
    "~no-such-user-here/base": "this is not a path",
}


@pytest.mark.parametrize("name", REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_there_says_why(here: Path, name: str) -> None:
    error = why_no_model(ModelSpec(name))
    assert isinstance(error, ModelError) and error.what == REFUSED[name] and error.do


def test_a_folder_of_models_names_those_in_it(here: Path) -> None:
    error = why_no_model(ModelSpec("models"))
    assert error is not None and error.do == "Did you mean a folder in it: inner?"


def test_base_reference_and_adapter_are_looked_at(here: Path) -> None:
    good, bad = ModelSpec("model"), ModelSpec("model", adapter="/nowhere/lora")
    assert why_not(ScoreSpec(good, (good, good))) is None
    assert why_not(ScoreSpec(ModelSpec("/nowhere"), (good,))).where == "/nowhere"
    assert why_not(ScoreSpec(good, (good, bad))).where == "/nowhere/lora"
