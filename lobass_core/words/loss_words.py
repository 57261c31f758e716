"""What a loss that is shown is a mean of, and its unit: one wording for pages, commands and logs.

Each row's loss is the mean over its response tokens. Pages average rows, so that each counts the same, as it does in a
selection; a model or a run is over samples, of which copies are one; a training counts each token the same.
"""

NATS, BITS = "nats/token", "bits/byte"
OF_ROWS, OF_SAMPLES, OF_TOKENS = "mean of rows", "mean of samples", "mean of tokens"


def which_side_is_scored(n_pairs: int) -> str:
    """What the scores of preference pairs are of, wherever pairs are shown."""
    pairs = "1 preference pair" if n_pairs == 1 else f"{n_pairs:,} preference pairs"
    return f"For {pairs}, only the chosen answer is scored, not the rejected one."
