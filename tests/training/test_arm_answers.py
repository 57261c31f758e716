"""Answers that an arm writes itself: plain greedy decoding, in batches, read by their final answer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GenerationConfig

from lobass_core.records import Sample, Turn
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.models import LoadedModel, load_model, load_tokenizer
from lobass_core.scoring.products import compute_by
from lobass_core.scoring.token_table import TokenTable
from lobass_core.specs import ModelSpec
from lobass_core.training.arm import ArmPlace
from lobass_core.training.arm_answers import _batches, _written, answer_limit, prompt_length, right_answers
from lobass_core.training.arm_lab import ArmLab, ArmOrder, Watch, measured_rows
from lobass_core.training.trainable import load_base, make_trainable
from lobass_core.validation.arm_results import ArmCache, ArmRecipe
from lobass_core.worker.validate_job import some_right
from tests.models import tiny_llama

SILENT = Watch(lambda _: None, lambda _: None, lambda: False)


def _samples(n: int, answer: str = "#### 7") -> list[Sample]:
    return [Sample.of([Turn("user", f"Ask {'more ' * (k % 5)}{k}?"), Turn("assistant", answer)]) for k in range(n)]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    torch.set_num_threads(1)
    return tiny_llama(tmp_path_factory.mktemp("answers") / "base")


def _table(base: Path, samples: list[Sample]) -> TokenTable:
    tokenizer = load_tokenizer(ModelSpec(str(base)))
    return TokenTable.of(Renderer(tokenizer, load_template("", tokenizer), "all", 512).render(samples))


def _plain(loaded: LoadedModel, prompt: np.ndarray, n_tokens: int, end: int) -> list[int]:
    """One sample, no cache, no padding."""
    ids = prompt.tolist()
    for _ in range(n_tokens):
        logits = loaded.model(torch.tensor([ids]), use_cache=False).logits
        ids.append(int(logits[0, -1].argmax()))
        if ids[-1] == end:
            break
    return ids[len(prompt) :]


def test_a_batch_writes_what_each_prompt_alone_would(base):
    loaded, tokenizer = (
        load_model(ModelSpec(str(base)), "float32", torch.device("cpu")),
        load_tokenizer(ModelSpec(str(base))),
    )
    table = _table(base, _samples(6))
    prompts = [table.ids_of(row)[: prompt_length(table, row)] for row in range(6)]
    assert len({len(prompt) for prompt in prompts}) > 2
    end = int(tokenizer.eos_token_id)
    settings = GenerationConfig(do_sample=False, max_new_tokens=8, pad_token_id=end, eos_token_id=[end])
    written = _written(loaded, tokenizer, prompts, [8] * 6, settings, lambda: None)
    with torch.no_grad():
        alone = [_plain(loaded, prompt, 8, end) for prompt in prompts]
    assert written == tokenizer.batch_decode(alone, skip_special_tokens=True)
    # Each answer ends at its own limit, whatever is answered beside it.
    limits = [1, 2, 3, 4, 5, 6]
    cut = [ids[:limit] for ids, limit in zip(alone, limits, strict=True)]
    shorter = _written(loaded, tokenizer, prompts, limits, settings, lambda: None)
    assert shorter == tokenizer.batch_decode(cut, skip_special_tokens=True)


@pytest.mark.parametrize("library", ["mkl", "onednn"])
def test_an_arm_trained_by_lora_answers_with_its_adapter(base, library):
    spec, device = ModelSpec(str(base)), torch.device("cpu")
    table, tokenizer = _table(base, _samples(5)), load_tokenizer(spec)
    prompts = [table.ids_of(row)[: prompt_length(table, row)] for row in range(5)]
    end = int(tokenizer.eos_token_id)
    settings = GenerationConfig(do_sample=False, max_new_tokens=6, pad_token_id=end, eos_token_id=[end])
    untouched = _written(load_model(spec, "float32", device), tokenizer, prompts, [6] * 5, settings, lambda: None)
    loaded = load_base(spec, "lora", device)
    make_trainable(loaded, "lora", 4)
    compute_by(loaded.model, library)
    loaded.model.eval()
    # Fresh matrices change nothing; others change what is written, as plain decoding has it.
    assert _written(loaded, tokenizer, prompts, [6] * 5, settings, lambda: None) == untouched
    torch.manual_seed(0)
    with torch.no_grad():
        for name, values in loaded.model.named_parameters():
            if "lora_B" in name:
                values.normal_(0, 0.5)
        alone = [_plain(loaded, prompt, 6, end) for prompt in prompts]
    written = _written(loaded, tokenizer, prompts, [6] * 5, settings, lambda: None)
    assert written != untouched and written == tokenizer.batch_decode(alone, skip_special_tokens=True)


def test_the_prompt_ends_where_the_last_response_begins(base):
    turns = [Turn("user", "One?"), Turn("assistant", "Yes"), Turn("user", "Two?"), Turn("assistant", "#### 2")]
    table = _table(base, [Sample.of(turns)])
    tokenizer = load_tokenizer(ModelSpec(str(base)))
    prompt, rest = np.split(table.ids_of(0), [prompt_length(table, 0)])
    assert "Two?" in tokenizer.decode(prompt) and "####" not in tokenizer.decode(prompt)
    assert "#### 2" in tokenizer.decode(rest) and answer_limit(table, 0) == 2 * len(rest)


def test_each_row_is_in_one_batch_the_longest_answers_first(base):
    samples = [*_samples(40), *_samples(70, "It is a long way.\n#### 7")[40:]]
    table = _table(base, samples)
    batches = list(_batches(table, np.arange(70)))
    assert sorted(row for batch in batches for row in batch) == list(range(70))
    limits = [answer_limit(table, row) for batch in batches for row in batch]
    assert limits == sorted(limits, reverse=True) and len(set(limits)) > 1
    assert max(len(batch) for batch in batches) == 32


@pytest.mark.slow
def test_an_arm_that_learned_the_answer_is_right_where_that_is_the_answer(base, tmp_path):
    samples = _samples(24)
    table, tokenizer = _table(base, samples), load_tokenizer(ModelSpec(str(base)))
    place = ArmPlace(ModelSpec(str(base)), torch.device("cpu"), "mkl", tmp_path / "checkpoints")
    lab = ArmLab(place, table, "base", "render", ArmCache(tmp_path / "kept"), tokenizer)
    ids = table.sample_ids
    measured = measured_rows(table, [(one, "a" if n < 4 else "b") for n, one in enumerate(ids[:8])])
    # The last row of each set has another answer than the arm learns.
    answers = {one: "7" if n % 4 else "8" for n, one in enumerate(ids[:8])}
    recipe = ArmRecipe("full", 12.0, 1e-2, 256)
    answered: list[int] = []
    watch = Watch(SILENT.on_pulse, SILENT.on_measured, SILENT.should_stop, answered.append)
    untouched = lab.do(ArmOrder((), measured, recipe, 1, answers=answers, asked=frozenset(answers)), watch)
    assert set(untouched.answers) == {0} and sum(answered) == 8
    assert some_right(untouched, ArmOrder((), measured, recipe, 1, answers=answers)) == frozenset()
    asked = frozenset(ids[:4])
    trained = lab.do(ArmOrder(ids, measured, recipe, 1, answers=answers, asked=asked), watch)
    short = {one[:16]: one for one in ids}
    said = {short[one]: answer for one, answer in zip(measured.sample_ids, trained.answers, strict=True)}
    assert [said[one] for one in ids[:8]] == [0, 1, 1, 1, -1, -1, -1, -1]
    assert some_right(trained, ArmOrder(ids, measured, recipe, 1, answers=answers)) == asked
    # Arms that answer are kept under a name of their own, and read again.
    assert lab.do(ArmOrder(ids, measured, recipe, 1, answers=answers, asked=asked), watch) == trained
    silent = ArmOrder(ids, measured, recipe, 1)
    assert lab.content_of(silent).key != trained.content.key


def test_a_run_that_is_to_stop_stops_while_an_answer_is_written(base):
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    loaded, tokenizer = (
        load_model(ModelSpec(str(base)), "float32", torch.device("cpu")),
        load_tokenizer(ModelSpec(str(base))),
    )
    with pytest.raises(Stop):
        right_answers(loaded, tokenizer, _table(base, _samples(3)), {0: "7"}, lambda _: None, stop)
