"""Losses of response tokens: exact, batched by length, with the vocabulary head only where it counts."""
