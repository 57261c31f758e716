"""Bounds of numbers and paths that a person gives, each refused in a sentence."""

from lobass_core.errors import RequestError

# Lengths and counts of tokens are 32-bit integers in token tables and files.
MOST_WHOLE = 2**31 - 1
MOST_SEED = 2**63 - 1
# The longest path that Linux takes.
MOST_PATH = 4096


def check_whole(name: str, value: int, least: int = 0, most: int = MOST_WHOLE) -> None:
    """Refuse a whole number outside of what the arithmetic behind it can hold."""
    if not least <= value <= most:
        raise RequestError(f"{name} {value} is out of range", do=f"Use a whole number from {least:,} to {most:,}.")


def check_path(name: str, text: str) -> None:
    """Refuse what can be no path, hub id or name of a template."""
    if len(text) > MOST_PATH:
        raise RequestError(f"the {name} has {len(text):,} characters", do=f"The limit is {MOST_PATH:,}.")
    if "\0" in text:
        raise RequestError(f"the {name} contains a NUL character", do="Remove it.")
