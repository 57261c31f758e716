"""Options that are numbers, shares or counts, each read in one way: `0,06`, `6%`, `1,5M`, `1e3`."""

from collections.abc import Callable
from typing import TypeVar

import typer

from lobass_core.words.typed_numbers import NotANumber, read_number
from lobass_core.words.typed_shares import read_share, read_share_or_rows

Value = TypeVar("Value", int, float)


def number(option: str, *, least: float | None = None, above: float | None = None) -> Callable[[object], float]:
    """The parser of an option that takes a number; a usage error says why a text is none, or that it may be two."""
    return _parser(option, lambda text: _no_share(text, read_number(text, least=least, above=above)))


def count(option: str, *, least: int | None = None, most: int | None = None) -> Callable[[object], int]:
    """The parser of an option that takes a whole number."""
    return _parser(option, lambda text: _whole(text, read_number(text, whole=True, least=least, most=most)))


def share(option: str) -> Callable[[object], float]:
    """The parser of an option that takes a share of the rows, all of them at most."""
    return _parser(option, read_share)


def share_or_rows(option: str) -> Callable[[object], float]:
    """The parser of an option that takes a share below 1 or a number of rows; 0 is neither, and means none."""
    return _parser(option, read_share_or_rows)


def _whole(text: str, value: float) -> int:
    # A float would round a seed of 17 digits.
    return int(text) if text.strip().lstrip("+-").isdecimal() else int(value)


def _no_share(text: str, value: float) -> float:
    if text.strip().endswith("%"):
        raise NotANumber("must be a number, not a share")
    return value


def _parser(option: str, read: Callable[[str], Value]) -> Callable[[object], Value]:
    def parse(value: object) -> Value:
        if isinstance(value, int | float):  # a default
            return value  # type: ignore[return-value]
        text = str(value)
        try:
            return read(text)
        except NotANumber as error:
            reason = str(error)
            raise typer.BadParameter(
                reason if reason.startswith(text) else f"{text}: {reason}", param_hint=option
            ) from None

    return parse
