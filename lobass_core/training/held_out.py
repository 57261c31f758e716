"""Mean loss of chosen samples, by the same engine that scores."""

import numpy as np

from lobass_core.scoring.batch_plan import longest_first
from lobass_core.scoring.engine import Engine
from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.token_table import TokenTable


def mean_loss(loaded: LoadedModel, table: TokenTable, rows: np.ndarray) -> float | None:
    """Nats a response token over the given rows, all tokens weighing the same; None if they hold no response token."""
    lengths = np.zeros(len(table), dtype=np.int64)
    lengths[rows] = table.lengths[rows]
    order = longest_first(lengths, table.sample_ids)
    loss_sum, n_tokens = 0.0, 0
    was_training = loaded.model.training
    loaded.model.eval()
    for losses in Engine(loaded, table).score(order):
        loss_sum += sum(float(nlls.sum(dtype=np.float64)) for nlls in losses.token_nlls)
        n_tokens += sum(len(nlls) for nlls in losses.token_nlls)
    loaded.model.train(was_training)
    return loss_sum / n_tokens if n_tokens else None
