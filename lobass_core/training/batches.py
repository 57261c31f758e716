"""Which samples make up each optimiser step: random, of like length, within a budget of tokens."""

import math

import numpy as np

# Sorted by length within pools of this many steps: padding stays at a few percent and the order stays random.
POOL_STEPS = 50


def plan_steps(lengths: np.ndarray, batch_tokens: int, epochs: float, seed: int) -> list[np.ndarray]:
    """The steps of all epochs one after the other; see `plan_epochs`."""
    return [step for of_epoch in plan_epochs(lengths, batch_tokens, epochs, seed) for step in of_epoch]


def plan_epochs(lengths: np.ndarray, batch_tokens: int, epochs: float, seed: int) -> list[list[np.ndarray]]:
    """The samples of every step of each epoch, as indices into `lengths`.

    Each step holds at most `batch_tokens`, padding included.

    Every epoch shows each sample once, in an order of its own; a fractional last epoch shows a part of them. Samples
    of fewer than two tokens are left out, as nothing predicts their first token. A sample longer than the budget makes
    a step by itself. The plan depends on nothing but its arguments: a resumed training continues with the same steps.
    """
    usable = np.flatnonzero(np.asarray(lengths) > 1)
    planned: list[list[np.ndarray]] = []
    for epoch in range(math.ceil(epochs)):
        of_epoch = _epoch(usable, lengths, batch_tokens, np.random.default_rng([seed, epoch]))
        share = min(1.0, epochs - epoch)
        planned.append(of_epoch[: max(1, round(share * len(of_epoch)))])
    return planned


def _epoch(usable: np.ndarray, lengths: np.ndarray, batch_tokens: int, rng: np.random.Generator) -> list[np.ndarray]:
    order = rng.permutation(usable)
    mean_length = float(lengths[usable].mean()) if len(usable) else 1.0
    pool_size = max(1, int(POOL_STEPS * batch_tokens / mean_length))
    steps: list[np.ndarray] = []
    for start in range(0, len(order), pool_size):
        pool = order[start : start + pool_size]
        steps += _filled(pool[np.argsort(-lengths[pool], kind="stable")], lengths, batch_tokens)
    return [steps[place] for place in rng.permutation(len(steps))]


def _filled(order: np.ndarray, lengths: np.ndarray, batch_tokens: int) -> list[np.ndarray]:
    """Cut indices that are sorted by length, longest first, into steps."""
    steps, start = [], 0
    while start < len(order):
        n_rows = max(1, batch_tokens // int(lengths[order[start]]))
        steps.append(order[start : start + n_rows])
        start += n_rows
    return steps


def padding_share(steps: list[np.ndarray], lengths: np.ndarray) -> float:
    """Share of the planned tokens that are padding, in [0, 1)."""
    n_run = sum(int(lengths[step].max()) * len(step) for step in steps)
    n_real = sum(int(lengths[step].sum()) for step in steps)
    return 1 - n_real / n_run if n_run else 0.0
