"""What training and scoring cost, in passes over the pool: a forward pass over all of its rows is 1.

An epoch of training is 3, as going back costs about twice what going forward does (with LoRA about 2; both sides of a
comparison fall alike). K fold models train on (K-1)/K of the pool each.

    5 folds, 1 epoch, and scoring base and reference     5 * 4/5 * 3 + 2 = 14
    training on everything for 3 epochs                                     9
"""

TRAINING = 3
# As Alpaca is trained, and the paper's subsets of it.
FINAL_EPOCHS = 3


def training_passes(epochs: float, *, folds: int = 1, seeds: int = 1, share: float = 1.0) -> float:
    """Training references, or for one fold and seed a final model, on a share of the pool."""
    return TRAINING * epochs * seeds * share * (folds - 1 if folds > 1 else 1)


def scoring_passes(n_columns: int) -> float:
    """Scoring this many loss columns: every sample is read once for each, by one model."""
    return float(n_columns)
