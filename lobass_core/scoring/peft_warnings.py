"""What peft says into every log although no one who reads it can do anything about it."""

import warnings


def leave_out_peft_warnings() -> None:
    """Keep out of the log what peft 0.21 says of every model, or at every checkpoint.

    It asks a model by a name that transformers 5.23 has given up, and it looks for the config.json of a base that is a
    .gguf file; the vocabulary that it asks about is never changed here.
    """
    warnings.filterwarnings("ignore", r"`is_gradient_checkpointing` is deprecated", FutureWarning)
    warnings.filterwarnings(
        "ignore", r"Could not find a config file in .* the vocabulary was not modified", UserWarning
    )
