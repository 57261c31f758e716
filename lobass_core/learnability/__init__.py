"""How learnable each sample is: scores, flags, distributions and diagnostics as pure functions over arrays."""
