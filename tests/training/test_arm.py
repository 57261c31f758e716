"""An arm of an experiment is trained as a reference is: the same rows and settings leave the same losses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.models import load_model, load_tokenizer
from lobass_core.scoring.token_table import TokenTable
from lobass_core.specs import ModelSpec
from lobass_core.training.arm import ArmPlace, arm_steps
from lobass_core.training.arm_lab import ArmLab, ArmOrder, Watch, measured_rows
from lobass_core.training.held_out import loss_sums, mean_loss
from lobass_core.validation.arm_results import ArmCache, ArmRecipe
from tests.models import tiny_llama
from tests.training.runs import demo_samples, training_run
from tests.worker.runs import work

SILENT = Watch(lambda _: None, lambda _: None, lambda: False)
RATE, TOKENS, SEED = 2e-3, 256, 3


def _table(base: Path, samples) -> TokenTable:
    tokenizer = load_tokenizer(ModelSpec(str(base)))
    return TokenTable.of(Renderer(tokenizer, load_template("", tokenizer), "all", 512).render(samples))


@pytest.mark.slow
def test_an_arm_on_all_rows_is_the_reference_trained_on_them(tmp_path):
    torch.set_num_threads(1)
    base, samples = tiny_llama(tmp_path / "base"), demo_samples(30)
    settings = {"method": "lora", "seed": SEED, "learning_rate": RATE, "batch_tokens": TOKENS, "held_out_share": 0.0}
    assert work(training_run(tmp_path, base, samples, **settings)) == 0
    table, rows = _table(base, samples), np.arange(len(samples))
    reference = load_model(
        ModelSpec(str(base), adapter=str(tmp_path / "models" / "ref")), "float32", torch.device("cpu")
    )
    expected = dict(zip(table.sample_ids, loss_sums(reference, table, rows), strict=True))

    place = ArmPlace(ModelSpec(str(base)), torch.device("cpu"), "mkl", tmp_path / "checkpoints")
    lab = ArmLab(place, table, "base", "render", ArmCache(tmp_path / "kept"))
    measured = measured_rows(table, [(sample_id, "all") for sample_id in table.sample_ids])
    recipe = ArmRecipe("lora", 1.0, RATE, TOKENS)
    order = ArmOrder(table.sample_ids, measured, recipe, SEED)
    result = lab.do(order, SILENT)
    in_order = [expected[sample_id] for sample_id in sorted(table.sample_ids)]
    assert np.allclose(result.loss_sums(), in_order, atol=2e-3)
    # The untouched base is another model, and what is kept is not computed again.
    untouched = lab.do(ArmOrder((), measured, recipe, SEED), SILENT)
    assert not np.allclose(untouched.loss_sums(), in_order, atol=0.5)
    assert lab.do(order, Watch(SILENT.on_pulse, SILENT.on_measured, lambda: True)) == result


@pytest.mark.slow
def test_an_arm_that_is_stopped_goes_on_from_its_checkpoint(tmp_path):
    torch.set_num_threads(1)
    base, samples = tiny_llama(tmp_path / "base"), demo_samples(20)
    table = _table(base, samples)
    measured = measured_rows(table, [(sample_id, "all") for sample_id in table.sample_ids[:5]])
    order = ArmOrder(table.sample_ids, measured, ArmRecipe("lora", 1.0, RATE, TOKENS), SEED)

    def lab(name: str) -> ArmLab:
        place = ArmPlace(ModelSpec(str(base)), torch.device("cpu"), "mkl", tmp_path / name / "checkpoints")
        return ArmLab(place, table, "base", "render", ArmCache(tmp_path / name))

    seen: list[int] = []
    stopping = Watch(lambda pulse: seen.append(pulse.step), SILENT.on_measured, lambda: len(seen) >= 2)
    assert lab("stopped").do(order, stopping) is None and seen == [1, 2]
    resumed = lab("stopped").do(order, Watch(lambda pulse: seen.append(pulse.step), lambda _: None, lambda: False))
    assert seen[2] == 3
    assert resumed.losses == lab("whole").do(order, SILENT).losses
    assert not (tmp_path / "stopped" / "checkpoints" / resumed.content.key).exists()


def test_steps_do_not_depend_on_the_order_of_rows_and_follow_others_where_asked(tmp_path):
    base, samples = tiny_llama(tmp_path / "base"), demo_samples(40)
    table, recipe = _table(base, samples), ArmRecipe("lora", 1.0, RATE, TOKENS)
    rows = np.arange(30)
    steps = arm_steps(table, rows, recipe, SEED)
    again = arm_steps(table, rows[::-1].copy(), recipe, SEED)
    assert [step.tolist() for step in steps] == [step.tolist() for step in again]
    assert sorted(np.concatenate(steps).tolist()) == rows.tolist()
    few = arm_steps(table, rows[:5], recipe, SEED, like=rows)
    assert len(few) == len(steps) and set(np.concatenate(few).tolist()) == set(range(5))
    assert arm_steps(table, np.zeros(0, np.int64), recipe, SEED) == []


def test_the_mean_loss_is_the_sum_over_the_tokens(tmp_path):
    base, samples = tiny_llama(tmp_path / "base"), demo_samples(6)
    table = _table(base, samples)
    loaded = load_model(ModelSpec(str(base)), "float32", torch.device("cpu"))
    batches: list[int] = []
    sums = loss_sums(loaded, table, np.array([4, 1]), batches.append)
    assert mean_loss(loaded, table, np.array([4, 1])) == pytest.approx(
        sums.sum() / table.n_response_tokens[[4, 1]].sum()
    )
    assert sum(batches) == table.lengths[[4, 1]].sum() and (sums > 0).all()
    assert sums[::-1] == pytest.approx(loss_sums(loaded, table, np.array([1, 4])))
