"""Bounds of numbers and paths that a person gives, each refused in a sentence."""

import math

from lobass_core.errors import RequestError

# Lengths and counts of tokens are 32-bit integers in token tables and files.
MOST_WHOLE = 2**31 - 1
# Every step is planned before the first: a billion epochs filled the memory.
MOST_EPOCHS = 1000
MOST_SEED = 2**63 - 1
# The longest path that Linux takes.
MOST_PATH = 4096


def check_whole(name: str, value: int, least: int = 0, most: int = MOST_WHOLE) -> None:
    """Refuse a whole number outside of what the arithmetic behind it can hold."""
    if not least <= value <= most:
        raise RequestError(f"{name} {value} is out of range", do=f"Use a whole number from {least:,} to {most:,}.")


def check_recipe(epochs: float, learning_rate: float, batch_tokens: int, lora_rank: int) -> None:
    """Refuse the numbers of a training that cannot be trained by."""
    if not 0 < epochs <= MOST_EPOCHS:
        raise RequestError(
            f"{epochs:.15g} is not a valid number of epochs", do=f"Use --epochs above 0 and at most {MOST_EPOCHS:,}."
        )
    if not 0 <= learning_rate < math.inf:
        raise RequestError(
            f"{learning_rate} is not a valid learning rate",
            do="Use --lr above 0, or 0 to set it by method and model size.",
        )
    check_whole("token budget per step", batch_tokens, 1)
    check_whole("LoRA rank", lora_rank, 1)


def check_range(name: str, low: float | None, high: float | None) -> None:
    """Refuse a range without an end, with an end that is no number, or with its ends the wrong way round."""
    ends = [end for end in (low, high) if end is not None]
    if not name or not ends or not all(math.isfinite(end) for end in ends):
        raise RequestError(f"the range of {name!r} needs a number at one end at least", do="Write base-loss=0.5..2.")
    if low is not None and high is not None and low > high:
        raise RequestError(f"the range of {name} runs from {low:g} down to {high:g}", do="Give the lower end first.")


def check_path(name: str, text: str) -> None:
    """Refuse what can be no path, hub id or name of a template."""
    if len(text) > MOST_PATH:
        raise RequestError(f"the {name} has {len(text):,} characters", do=f"The limit is {MOST_PATH:,}.")
    if "\0" in text:
        raise RequestError(f"the {name} contains a NUL character", do="Remove it.")
