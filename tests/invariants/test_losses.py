"""Any batch size, order and architecture gives the losses of one sample at a time in float64.

Tolerance 5e-6 nats a token: float32 rounding over the few hundred sums of a small model reaches about 3e-6.
"""

import copy
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lobass_core.scoring.batch_plan import longest_first
from lobass_core.scoring.engine import Engine
from lobass_core.scoring.output_head import KNOWN_FAMILIES
from lobass_core.scoring.products import Library, compute_by
from lobass_core.scoring.shared_prefixes import LEAST_TOKENS
from lobass_core.scoring.token_table import TokenTable
from tests.models import ARCHITECTURES, tiny_model
from tests.token_tables import alike_table, loaded, plain_nlls, random_table, table_of

pytestmark = pytest.mark.slow

FLOAT32_NATS = 5e-6
# All but those with sliding attention, whose layers do not keep all keys, and those that take the plain path.
READ_ONCE = {
    "llama", "llama-tied", "qwen2", "qwen3", "gemma", "gpt2", "gpt-neox", "phi", "opt", "cohere", "granite", "olmo",
    "olmo2", "smollm3", "stablelm", "mixtral",
}  # fmt: skip
LENGTHS = [2, 2, 3, 5, 8, 9, 17, 33, 34, 64, 64, 65]


@cache
def model_and_double(architecture: str):
    model = tiny_model(architecture)
    double = copy.deepcopy(model).double()
    # Grouped products of experts have no float64.
    double.set_experts_implementation("eager")
    return model, double


def engine_nlls(
    model: torch.nn.Module, table: TokenTable, order: np.ndarray, batch_tokens: int
) -> dict[int, np.ndarray]:
    found = {}
    for losses in Engine(loaded(model), table, batch_tokens).score(order):
        found.update(zip(losses.indices.tolist(), losses.token_nlls, strict=True))
    return found


def test_every_family_with_a_fast_path_is_among_them():
    assert {tiny_model(name).config.model_type for name in ARCHITECTURES} >= KNOWN_FAMILIES


@pytest.mark.parametrize("library", ["mkl", "onednn"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_gives_the_losses_of_float64(architecture: str, library: Library):
    """With either library for matrix products, whichever this processor prefers."""
    model, double = model_and_double(architecture)
    compute_by(model, library)
    table = random_table(LENGTHS)
    found = engine_nlls(model, table, longest_first(table.lengths, table.sample_ids), 128)
    assert sorted(found) == list(range(len(LENGTHS)))
    for index, nlls in found.items():
        expected = plain_nlls(double, table, index)
        assert len(nlls) == table.n_response_tokens[index] == len(expected)
        assert np.abs(nlls - expected).max() <= FLOAT32_NATS


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["llama", "gemma2", "gpt2", "opt", "bloom"]),
    st.lists(st.integers(2, 60), min_size=1, max_size=14),
    st.sampled_from([1, 16, 59, 60, 61, 4096]),
    st.randoms(use_true_random=False),
)
def test_any_budget_and_any_order(architecture: str, lengths: list[int], batch_tokens: int, chance):
    model, double = model_and_double(architecture)
    table = random_table(lengths, seed=len(lengths))
    order = list(range(len(lengths)))
    chance.shuffle(order)
    found = engine_nlls(model, table, np.array(order), batch_tokens)
    for index in range(len(lengths)):
        assert np.abs(found[index] - plain_nlls(double, table, index)).max() <= FLOAT32_NATS


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("batch_tokens", [24, 512])
def test_what_samples_begin_with_is_read_once_and_changes_nothing(architecture: str, batch_tokens: int):
    """Heads longer than a window of sliding attention, shorter than one, and a few samples that share nothing."""
    model, double = model_and_double(architecture)
    table = alike_table([(20, 40), (0, 5), (LEAST_TOKENS, 35)])
    engine = Engine(loaded(model), table, batch_tokens)
    found, n_read = {}, 0
    for losses in engine.score(longest_first(table.lengths, table.sample_ids)):
        found.update(zip(losses.indices.tolist(), losses.token_nlls, strict=True))
        n_read += losses.n_tokens_read
    assert sorted(found) == list(range(80))
    for index, nlls in found.items():
        assert np.abs(nlls - plain_nlls(double, table, index)).max() <= FLOAT32_NATS
    n_whole = int((table.lengths - 1).sum())
    assert n_read == n_whole - (40 * 20 + 35 * LEAST_TOKENS if architecture in READ_ONCE else 0)


@pytest.mark.parametrize("longest", [16, 40])
def test_rotations_that_change_with_the_length_of_the_batch(longest: int):
    """Trained for 16 tokens first: beyond them LongRoPE turns every position otherwise, also in the shorter rows."""
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [3.0] * 4}
    rope |= {"original_max_position_embeddings": 16, "factor": 8.0}
    config = {"max_position_embeddings": 128, "original_max_position_embeddings": 16, "rope_parameters": rope}
    model = tiny_model("phi3", sliding_window=None, **config)
    double = copy.deepcopy(model).double()
    # Responses run to the end, so that both read the same length.
    table = table_of([([5 + n % 40 for n in range(size)], [n > 2 for n in range(size)]) for size in (9, 14, longest)])
    found = engine_nlls(model, table, longest_first(table.lengths, table.sample_ids), 512)
    for index in range(3):
        ids = torch.from_numpy(table.ids_of(index).astype(np.int64))
        logits = double(input_ids=ids[None, :-1], use_cache=False).logits[0].double()
        nll = -torch.log_softmax(logits, dim=-1).gather(1, ids[1:, None]).squeeze(1)[2:]
        assert np.abs(found[index] - nll.detach().numpy()).max() <= FLOAT32_NATS


@pytest.mark.parametrize("vocab_size", [384, 4095, 4096, 4097, 9000])
def test_any_vocabulary_against_the_edges_of_the_tiles(vocab_size: int):
    model = tiny_model("llama", vocab_size=vocab_size)
    double = copy.deepcopy(model).double()
    table = random_table([40, 40, 30], vocab_size=vocab_size)
    found = engine_nlls(model, table, np.arange(3), 4096)
    for index in range(3):
        assert np.abs(found[index] - plain_nlls(double, table, index)).max() <= FLOAT32_NATS


def test_sums_in_bfloat16_stay_near():
    """bf16 keeps 8 bits of each activation: with these wide random weights 2e-2 nats a token at most, 1e-2 rms."""
    model, double = model_and_double("llama")
    half = copy.deepcopy(model).to(torch.bfloat16)
    table = random_table([64] * 24, seed=3)
    found = engine_nlls(half, table, np.arange(24), 1024)
    rounded = copy.deepcopy(half).double()
    errors = np.array([found[index].mean() - plain_nlls(rounded, table, index).mean() for index in range(24)])
    assert np.abs(errors).max() <= 2e-2
    assert np.sqrt((errors**2).mean()) <= 1e-2
    assert half.dtype == torch.bfloat16 and double.dtype == torch.float64


def test_the_same_selection_as_float64_but_for_ties():
    """Learnability of two models, ranked: any two samples further apart than 1e-6 keep their order."""
    table = random_table(list(range(10, 50)), seed=5)
    order = longest_first(table.lengths, table.sample_ids)
    means, exact = [], []
    for seed in (0, 1):
        model = tiny_model("qwen2", seed=seed)
        double = copy.deepcopy(model).double()
        found = engine_nlls(model, table, order, 256)
        means.append(np.array([found[index].astype(np.float64).mean() for index in range(len(table))]))
        exact.append(np.array([plain_nlls(double, table, index).mean() for index in range(len(table))]))
    ours, theirs = ((first - second) / first for first, second in (means, exact))
    assert np.abs(ours - theirs).max() <= 1e-6
    ranked = np.argsort(-theirs, kind="stable")
    assert (np.diff(ours[ranked]) <= 1e-6).all()
