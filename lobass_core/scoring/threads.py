"""How many threads a model's arithmetic is worth on the CPU."""

import torch
from torch import nn

# Below this the operations are so small that threads mostly wait for each other: with anything else running
# on the machine, two threads on a model of 0.9M parameters were several times slower than one.
ONE_THREAD_PARAMETERS = 5_000_000


def use_threads_for(model: nn.Module) -> None:
    """Keep a tiny model on one thread; larger ones use what torch finds (or OMP_NUM_THREADS says)."""
    if sum(parameter.numel() for parameter in model.parameters()) < ONE_THREAD_PARAMETERS:
        torch.set_num_threads(1)
