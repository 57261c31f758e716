"""Models that must not score end the run before anything is scored; the library's own words go to the run's log."""

from pathlib import Path

import pytest
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.specs import ModelSpec
from tests.models import tiny_llama
from tests.worker.runs import samples, score_run, start, work


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "base", chat_template=None)


def failed(run: RunFolder) -> str:
    error = run.read_progress().error
    assert run.read_progress().state == "failed" and error is not None
    assert list(run.finished_shards()) == []
    return f"{error.what} ({error.where}). {error.do}"


@pytest.mark.slow
def test_an_adapter_of_a_grown_vocabulary_is_refused_before_the_base_is_scored(base: Path, tmp_path: Path):
    model = AutoModelForCausalLM.from_pretrained(base)
    model.resize_token_embeddings(386)
    settings = LoraConfig(r=4, task_type="CAUSAL_LM", target_modules=["q_proj"], modules_to_save=["lm_head"])
    get_peft_model(model, settings).save_pretrained(tmp_path / "lora")
    run = score_run(tmp_path / "runs", samples(6), base, ModelSpec(str(base), adapter=str(tmp_path / "lora")))
    process = start(run)
    assert process.wait(300) == 1
    said = failed(run)
    assert "a vocabulary of 386 tokens, but the base has 384" in said and "\n" not in said
    assert "size mismatch for base_model.model.lm_head" in run.log_path.read_text()


def test_what_nobody_foresaw_is_one_sentence(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    def fault(*_: object, **__: object) -> None:
        raise RuntimeError(
            "A different number of tensors was saved.\nForward: 6\nTip: pass `debug=True`\n" + "x\n" * 20
        )

    run = score_run(tmp_path / "runs", samples(6), base, ModelSpec(str(base)))
    monkeypatch.setattr("lobass_core.worker.score_job.tokenise", fault)
    assert work(run) == 1
    said = failed(run)
    assert said.startswith("an unexpected RuntimeError: A different number of tensors was saved. Forward: 6 (r-0001)")
    assert str(run.log_path) in said and "debug" not in said
    assert "Tip: pass `debug=True`" in capsys.readouterr().err
