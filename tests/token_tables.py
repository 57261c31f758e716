"""Random token tables and the plainest possible losses, for tests of the engine."""

import numpy as np
import torch

from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.output_head import find_output_head
from lobass_core.scoring.token_table import TokenTable
from tests.models import VOCAB_SIZE


def table_of(sequences: list[tuple[list[int], list[bool]]]) -> TokenTable:
    """A token table of (ids, response mask) pairs; ids are named s000, s001 ..."""
    sizes = np.array([len(ids) for ids, _ in sequences], dtype=np.int64)
    masks = [np.array(mask, dtype=bool) for _, mask in sequences]
    return TokenTable(
        sample_ids=tuple(f"s{number:03d}" for number in range(len(sequences))),
        input_ids=np.array([index for ids, _ in sequences for index in ids], dtype=np.int32),
        response_mask=np.concatenate(masks),
        starts=np.concatenate([[0], np.cumsum(sizes)]),
        lengths=np.array([int(np.flatnonzero(mask)[-1]) + 1 if mask.any() else 0 for mask in masks], dtype=np.int64),
        n_response_tokens=np.array([mask.sum() for mask in masks], dtype=np.int32),
        n_response_bytes=np.array([4 * mask.sum() for mask in masks], dtype=np.int32),
        n_prompt_tokens=np.array([(~mask).sum() for mask in masks], dtype=np.int32),
        n_dropped_tokens=np.zeros(len(sequences), dtype=np.int32),
        statuses=tuple("ok" if mask.any() else "no_response" for mask in masks),
    )


def random_table(lengths: list[int], seed: int = 0, vocab_size: int = VOCAB_SIZE) -> TokenTable:
    """Samples of the given lengths with prompts and responses of random sizes, one-token responses among them."""
    chance = np.random.default_rng(seed)
    sequences = []
    for length in lengths:
        ids = chance.integers(5, vocab_size, length).tolist()
        start = int(chance.integers(1, length))
        end = int(chance.integers(start + 1, length + 1))
        sequences.append((ids, [start <= place < end for place in range(length)]))
    return table_of(sequences)


def alike_table(heads: list[tuple[int, int]], seed: int = 0, vocab_size: int = VOCAB_SIZE) -> TokenTable:
    """For each (tokens, samples): so many samples that begin with the same so many random tokens, then go on alone."""
    chance = np.random.default_rng(seed)
    sequences = []
    for n_shared, n_samples in heads:
        head = chance.integers(5, vocab_size, n_shared).tolist()
        for _ in range(n_samples):
            # The token after the head is one of many, so that nothing longer is shared by chance.
            n_own, n_response = int(chance.integers(1, 9)), int(chance.integers(1, 20))
            ids = head + chance.integers(5, vocab_size, n_own + n_response).tolist()
            sequences.append((ids, [False] * (n_shared + n_own) + [True] * n_response))
    return table_of(sequences)


def loaded(model: torch.nn.Module) -> LoadedModel:
    """A model in memory as the engine wants it."""
    return LoadedModel(model, torch.device("cpu"), next(model.parameters()).dtype, find_output_head(model))


@torch.no_grad()
def plain_nlls(model: torch.nn.Module, table: TokenTable, index: int) -> np.ndarray:
    """float64 losses of one sample's response tokens, from the whole logits of a forward pass over it alone."""
    start, end = table.starts[index], table.starts[index + 1]
    ids = torch.from_numpy(table.input_ids[start:end].astype(np.int64))
    logits = model(input_ids=ids[None], use_cache=False).logits[0].double()
    nll = -torch.log_softmax(logits[:-1], dim=-1).gather(1, ids[1:, None]).squeeze(1)
    return nll[torch.from_numpy(table.response_mask[start + 1 : end])].numpy()
