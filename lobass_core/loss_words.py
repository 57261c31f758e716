"""What a loss that is shown is a mean of, and its unit: one wording for pages, commands and logs.

Each row's loss is the mean over its response tokens. Pages average rows, so that each counts the same, as it does in a
selection; a model or a run is over samples, of which copies are one; a training counts each token the same.
"""

NATS, BITS = "nats/token", "bits/byte"
OF_ROWS, OF_SAMPLES, OF_TOKENS = "mean of rows", "mean of samples", "mean of tokens"
