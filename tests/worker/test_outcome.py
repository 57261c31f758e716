"""Runs that come to their end in vain: no loss is a number, or the reference is the base."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.specs import ModelSpec
from tests.models import tiny_llama, tiny_model, tiny_tokenizer
from tests.read_only import read_only
from tests.worker.runs import losses_of, samples, score_run, work


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "base", chat_template=None)


def untrained_lora(folder: Path, base: Path) -> Path:
    """As PEFT makes one: its second matrix is 0, so that it changes nothing."""
    settings = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), settings).save_pretrained(folder)
    return folder


def copy_of(folder: Path) -> Path:
    """The base's weights in a folder with another setting, so that its fingerprint differs."""
    model = tiny_model("llama")
    model.config.pretraining_tp = 2
    model.save_pretrained(folder)
    tiny_tokenizer(None).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["an untrained adapter", "a copy"])
def test_a_reference_that_is_the_base_ends_with_an_error_and_its_losses_stay(base: Path, tmp_path: Path, kind: str):
    reference = {
        "an untrained adapter": lambda: ModelSpec(str(base), adapter=str(untrained_lora(tmp_path / "lora", base))),
        "a copy": lambda: ModelSpec(str(copy_of(tmp_path / "copy"))),
    }[kind]()
    run = score_run(tmp_path / "runs", samples(8), base, reference)
    assert work(run) == 1
    error = run.read_progress().error
    assert run.state() == "failed" and error is not None
    assert error.what.startswith("the reference's losses equal the base's for all 8 samples")
    result = run.read_result(ScoreRunResult)
    assert len(losses_of(run)) == result.n_computed == 16


def test_the_losses_of_one_model_are_asked_for_by_naming_it_twice(base: Path, tmp_path: Path):
    run = score_run(tmp_path / "runs", samples(8), base, ModelSpec(str(base)))
    assert work(run) == 0
    result = run.read_result(ScoreRunResult)
    assert len(losses_of(run)) == result.n_computed == 8
    assert any(warning.startswith("Base and reference are the same model") for warning in result.warnings)


def test_one_sample_that_differs_is_a_difference(base: Path, tmp_path: Path):
    """Of eight samples one has the only token whose row of the head was changed."""
    changed = AutoModelForCausalLM.from_pretrained(base)
    run = score_run(tmp_path / "runs", samples(8), base, ModelSpec(str(tmp_path / "ref")))
    token = tiny_tokenizer(None).encode("7", add_special_tokens=False)[0]
    with torch.no_grad():
        changed.lm_head.weight[token] += 0.5
    changed.save_pretrained(tmp_path / "ref")
    tiny_tokenizer(None).save_pretrained(tmp_path / "ref")
    assert work(run) == 0


def test_losses_that_are_no_numbers_fail_the_run_and_are_not_kept(base: Path, tmp_path: Path):
    """Weights of 1e30 are numbers; what is computed from them is not."""
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "mlp" in name:
                parameter.fill_(1e30)
    model.save_pretrained(tmp_path / "ref")
    tiny_tokenizer(None).save_pretrained(tmp_path / "ref")
    run = score_run(tmp_path / "runs", samples(8), base, ModelSpec(str(tmp_path / "ref")))
    assert work(run) == 1
    error = run.read_progress().error
    assert error is not None and error.what == "every loss of the reference is NaN or infinite (8 samples)"
    assert not run.result_path.is_file()
    assert {status for _, _, status, _ in losses_of(run).values()} == {"ok"} and len(losses_of(run)) == 8


def test_a_run_whose_folder_cannot_be_written_says_so_in_one_sentence(base: Path, tmp_path: Path, capfd):
    run = score_run(tmp_path / "runs", samples(3), base, ModelSpec(str(base)))
    with read_only(run.path):
        assert work(run) == 1
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert said.startswith("error: Permission denied") and str(run.path) in said, said
