"""A model that the device has no memory for ends the run in one sentence, and the run can be resumed.

The error is torch's, raised where a model moves to its device; on a GPU this was not tried.
"""

from pathlib import Path

import pytest
import torch

from lobass_core.errors import MemoryShortError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.scoring.memory import fits_into_memory
from lobass_core.specs import ModelSpec
from lobass_core.training import fit as fitting
from lobass_core.training.trainable import load_base, make_trainable
from tests.models import tiny_llama
from tests.training.test_fit import _fit, _loaded
from tests.worker.runs import samples, score_run, work

SAID = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.2 GiB."
SPENT = torch.OutOfMemoryError(SAID)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "base", chat_template=None)


def full(*_: object, **__: object) -> None:
    raise SPENT


def refused(run: RunFolder) -> tuple[str, str, str, bool]:
    error = run.read_progress().error
    assert run.read_progress().state == "failed" and error is not None
    return error.what, error.where, error.do, error.is_final


def test_a_scoring_whose_model_does_not_fit_can_be_resumed(base, tmp_path, monkeypatch):
    run = score_run(tmp_path, samples(4), base, ModelSpec(str(base)))
    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.Module, "to", full)
        assert work(run) == 1
        what, where, do, is_final = refused(run)
    assert what.startswith("the model base in float32 does not fit into memory: CUDA out of memory")
    assert (where, is_final) == ("cpu", False)
    assert "--device" in do and "resume" in do
    assert work(run) == 0


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_base_that_is_trained_says_the_same(base, monkeypatch, method):
    # References, arms of experiments and self-tests load their models here and in `load_model`.
    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(MemoryShortError, match=r"^the model base in float32 does not fit into memory"):
        load_base(ModelSpec(str(base)), method, torch.device("cpu"))


def test_the_adapter_of_a_training_says_the_same(base, monkeypatch):
    loaded = load_base(ModelSpec(str(base)), "lora", torch.device("cpu"))
    monkeypatch.setattr("peft.get_peft_model", full)
    with pytest.raises(MemoryShortError, match=r"the LoRA adapter does not fit.*--lora-rank"):
        make_trainable(loaded, "lora", 4)


def test_a_trainer_that_has_no_room_says_the_same(base, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "_ResponseTrainer", full)
    with pytest.raises(MemoryShortError, match=r"a training step of .* does not fit into memory.*--device"):
        _fit(_loaded(), tmp_path)


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match=r"^shapes$"), fits_into_memory("a model", "cpu"):
        raise RuntimeError("shapes")
