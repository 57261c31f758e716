"""Losses of chosen samples, by the same engine that scores."""

from collections.abc import Callable

import numpy as np

from lobass_core.scoring.batch_plan import longest_first
from lobass_core.scoring.engine import Engine
from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.token_table import TokenTable


def mean_loss(loaded: LoadedModel, table: TokenTable, rows: np.ndarray) -> float | None:
    """Nats a response token over the given rows, all tokens weighing the same; None if they hold no response token."""
    n_tokens = int(table.n_response_tokens[rows].sum(dtype=np.int64))
    return float(loss_sums(loaded, table, rows).sum()) / n_tokens if n_tokens else None


def loss_sums(
    loaded: LoadedModel, table: TokenTable, rows: np.ndarray, on_batch: Callable[[int], None] = lambda _: None
) -> np.ndarray:
    """float64[len(rows)]: nats summed over each row's response tokens; 0 for a row without any. Each row once.

    `on_batch` hears of the tokens of every batch.
    """
    lengths = np.zeros(len(table), dtype=np.int64)
    lengths[rows] = table.lengths[rows]
    order = longest_first(lengths, table.sample_ids)
    sums = np.zeros(len(table))
    was_training = loaded.model.training
    loaded.model.eval()
    for losses in Engine(loaded, table).score(order):
        sums[losses.indices] = [float(nlls.sum(dtype=np.float64)) for nlls in losses.token_nlls]
        on_batch(int(table.lengths[losses.indices].sum()))
    loaded.model.train(was_training)
    return sums[rows]
