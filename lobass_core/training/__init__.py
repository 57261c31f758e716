"""Fine-tune a base model into a reference: the samples' own tokens, loss on the response alone."""
