"""Options that are numbers, with a comma or a point before the decimals: `--ratio 0,06`, `--budget-tokens 1,5M`."""

from collections.abc import Callable

import typer

from lobass_core.words.typed_numbers import NotANumber, read_number


def number(
    option: str, *, whole: bool = False, least: float | None = None, above: float | None = None
) -> Callable[[object], float]:
    """The parser of an option, whose usage error says why a text is no number, or that it may be either of two."""

    def parse(value: object) -> float:
        if isinstance(value, int | float):
            return value
        text = str(value)
        try:
            number = read_number(text, whole=whole, least=least, above=above)
        except NotANumber as error:
            reason = str(error)
            raise typer.BadParameter(
                reason if reason.startswith(text) else f"{text}: {reason}", param_hint=option
            ) from None
        return int(number) if whole else number

    return parse
