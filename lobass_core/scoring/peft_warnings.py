"""What peft says into every log although no one who reads it can do anything about it."""

import warnings


def leave_out_peft_warnings() -> None:
    """Keep out of the log that peft 0.21 asks a model by a name that transformers 5.23 has given up."""
    warnings.filterwarnings("ignore", r"`is_gradient_checkpointing` is deprecated", FutureWarning)
