"""Memory trouble, odd losses, and what the engine counts."""

import warnings

import numpy as np
import pytest
import torch

from lobass_core.errors import ModelError
from lobass_core.scoring.engine import Engine
from lobass_core.scoring.output_head import OutputHead
from lobass_core.scoring.response_nll import response_nll
from tests.models import VOCAB_SIZE, each_architecture, tiny_model
from tests.token_tables import alike_table, loaded, random_table, table_of


def cramped(most: int):
    """A model whose body runs out of memory above a number of tokens."""
    model = tiny_model()

    def refuse(module: torch.nn.Module, args: tuple, settings: dict) -> None:
        if settings["input_ids"].numel() > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    model.model.register_forward_pre_hook(refuse, with_kwargs=True)
    return model


def test_out_of_memory_halves_the_budget_and_remembers():
    table = random_table([17] * 16)
    engine = Engine(loaded(cramped(70)), table, batch_tokens=256)
    found = list(engine.score(np.arange(16)))
    assert engine.batch_tokens <= 70
    assert sorted(index for losses in found for index in losses.indices) == list(range(16))
    roomy = list(Engine(loaded(tiny_model()), table, batch_tokens=256).score(np.arange(16)))
    ours = np.concatenate([values for losses in found for values in losses.token_nlls])
    theirs = np.concatenate([values for losses in roomy for values in losses.token_nlls])
    assert np.abs(ours - theirs).max() <= 5e-6


def test_however_little_fits_every_sample_is_scored():
    # Two rows of eight tokens are too many already, far below any budget that one would begin with.
    table = random_table([9] * 6)
    found = list(Engine(loaded(cramped(8)), table, batch_tokens=256).score(np.arange(6)))
    assert sorted(index for losses in found for index in losses.indices) == list(range(6))


def test_kept_tokens_count_where_rows_are_short():
    table = alike_table([(320, 60)])
    engine = Engine(loaded(tiny_model()), table, batch_tokens=100)
    rows = [len(losses.indices) for losses in engine.score(np.arange(60))]
    # 320 kept tokens weigh as 20 that are read, so a row of at least 21 fits four times and no more.
    assert sum(rows) == 60 and max(rows) <= 4


def test_one_sample_that_does_not_fit_is_an_error_in_words():
    table = random_table([60])
    with pytest.raises(ModelError, match="does not fit into memory"):
        list(Engine(loaded(cramped(10)), table).score(np.arange(1)))


def test_the_next_batch_is_on_its_way_before_the_last_one_is_handed_over():
    begun = []
    model = tiny_model()
    model.model.register_forward_pre_hook(lambda *_: begun.append(1))
    engine = Engine(loaded(model), random_table([17] * 3), batch_tokens=1)
    assert [len(begun) for _ in engine.score(np.arange(3))] == [2, 3, 3]


def test_another_runtime_error_is_not_taken_for_memory():
    model = tiny_model()
    model.model.norm = torch.nn.Conv1d(3, 3, 1)
    with pytest.raises(RuntimeError, match="channels"):
        list(Engine(loaded(model), random_table([9])).score(np.arange(1)))


def test_only_what_is_needed_is_read():
    # The response ends before the text does, and the last response token is only predicted.
    ids = list(range(5, 15))
    table = table_of([(ids, [False] * 4 + [True] * 3 + [False] * 3)])
    (losses,) = Engine(loaded(tiny_model()), table).score(np.array([0]))
    assert (losses.n_tokens_run, losses.n_tokens_read) == (6, 6)
    assert len(losses.token_nlls[0]) == 3


def test_infinite_weights_show_as_losses_that_are_not_finite():
    model = tiny_model()
    with torch.no_grad():
        model.lm_head.weight[7] = torch.nan
    (losses,) = Engine(loaded(model), random_table([9])).score(np.array([0]))
    assert not np.isfinite(losses.token_nlls[0]).any()


def test_by_hand():
    # Two words, logits 0 and log 3: p = 1/4 and 3/4.
    linear = torch.nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[0.0], [float(np.log(3))]]))
        nll = response_nll(torch.ones(2, 1), torch.tensor([0, 1]), OutputHead(linear))
    assert nll.tolist() == pytest.approx([np.log(4), np.log(4 / 3)], abs=1e-6)


def test_a_head_that_is_more_than_a_matrix_gives_the_same():
    torch.manual_seed(0)
    linear = torch.nn.Linear(8, 300)
    hidden, targets = torch.randn(150, 8), torch.randint(0, 300, (150,))
    with torch.inference_mode():
        one = response_nll(hidden, targets, OutputHead(linear, scale=0.5, softcap=2.0))
        other = response_nll(hidden, targets, OutputHead(torch.nn.Sequential(linear), scale=0.5, softcap=2.0))
    assert torch.allclose(one, other, atol=2e-6)


def test_no_tensor_of_tokens_times_vocabulary_is_made():
    from torch.profiler import ProfilerActivity, profile

    linear = torch.nn.Linear(4, 40_000, bias=False)
    hidden, targets = torch.randn(3000, 4), torch.randint(0, 40_000, (3000,))
    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        response_nll(hidden, targets, OutputHead(linear))
    largest = max(abs(event.self_cpu_memory_usage) for event in seen.events())
    assert largest < 3000 * 40_000 * 4 / 10


@pytest.mark.parametrize("architecture", each_architecture(fast_only=True))
def test_the_log_opens_with_no_warning_about_names(architecture: str):
    """With and without kept prefixes; each model takes the cache under the name that it has for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        engine = Engine(loaded(tiny_model(architecture)), alike_table([(40, 40)], vocab_size=VOCAB_SIZE))
        assert sum(len(losses.indices) for losses in engine.score(np.arange(40))) == 40
