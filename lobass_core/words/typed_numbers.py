"""Numbers as people type them, with a comma or a point before the decimals and separators between thousands.

    read_number("16,7")                 16.7
    read_number("1.234,5")              1234.5
    read_number("60,000", whole=True)   60000.0: no other reading is a whole number
    read_number("1,234")                NotANumber("1,234 can mean 1234 or 1.234")
    read_number("13.7M", whole=True)    13700000.0
    read_number("6 %")                  0.06; 6.0 with in_percent, where the number asked for is in per cent

A point alone is always a decimal point, as this program writes it, except where only a whole number will do. What can
be read in two ways that both fit the limits is refused. The cut instrument reads by the same rules (`format.js`).
"""

import math
import re
from collections.abc import Iterator

SIZES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
_TYPED = re.compile(r"([+-]?)([.,]?\d(?:[\d.,\s'’_]*[\d.,])?)(e[+-]?\d+)?\s*([kmb]?)\s*(%?)", re.IGNORECASE)
_SPACES = re.compile(r"[\s'’_]")


class NotANumber(ValueError):
    """Why a text is not the number that is asked for, in a few words."""


def read_number(
    text: str, *, whole: bool = False, in_percent: bool = False,
    least: float | None = None, most: float | None = None, above: float | None = None,
) -> float:  # fmt: skip
    """The number that the text means, within `least` to `most`, and above `above`.

    Raises:
        NotANumber: it means none, one outside of the limits, or more than one.
    """
    typed = text.strip()
    if whole and typed.endswith("%"):
        raise NotANumber("must be a whole number, not a share")
    readings = list(dict.fromkeys(_readings(typed, whole, in_percent)))
    if not readings:
        raise NotANumber("not a number")
    wholes = [value for value in readings if value == int(value)] if whole else readings
    if not wholes:
        raise NotANumber("not a whole number")
    fitting = [value for value in wholes if _fits(value, least, most, above)]
    if not fitting:
        raise NotANumber(_limits(least, most, above))
    if len(fitting) > 1:
        raise NotANumber(f"{typed} can mean " + " or ".join(f"{value:.15g}" for value in fitting))
    return fitting[0]


def _fits(value: float, least: float | None, most: float | None, above: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most) and (above is None or value > above)


def _limits(least: float | None, most: float | None, above: float | None) -> str:
    low = f"above {above:g}" if above is not None else f"{least:g} or more" if least is not None else ""
    if most is None:
        return f"must be {low}"
    return (
        f"must be {low} and at most {most:g}"
        if above is not None
        else (f"must be {least:g} to {most:g}" if low else f"must be {most:g} or less")
    )


def _readings(text: str, whole: bool, in_percent: bool) -> Iterator[float]:
    """What the text can mean, decimals first; each finite."""
    match = _TYPED.fullmatch(text.replace("−", "-").removeprefix("≥").strip())
    if not match:
        return
    sign, digits, power, size, percent = match.groups()
    is_share = bool(percent) and not in_percent
    for plain in _plain_digits(digits, whole and not size):
        value = float(f"{sign}{plain}{power or ''}") * SIZES[size.lower()]
        if math.isfinite(value):
            # 13.7 million is whole, though 13.7 * 1e6 is off by a rounding; 16.7 % is 0.167, though 16.7 / 100 is not.
            value = round(value, 6) if size else value
            yield round(value / 100, 12) if is_share else value


def _plain_digits(digits: str, whole: bool) -> Iterator[str]:
    """The digits with a point before the decimals and nothing else, once for each way to read the separators."""
    marks = "".join(dict.fromkeys(re.sub(r"\d", "", digits)))
    spaces = _SPACES.findall(digits)
    decimals = [mark for mark in ".," if mark in marks]
    if spaces:
        # A space parts thousands, so a point or comma is for decimals.
        if len(set(spaces)) == 1 and len(decimals) < 2:
            yield from _split(digits, spaces[0], decimals[0] if decimals else "")
    elif len(decimals) == 2:
        last = max(decimals, key=digits.rfind)
        yield from _split(digits, decimals[1 - decimals.index(last)], last)
    elif not decimals:
        yield digits
    else:
        mark = decimals[0]
        several = digits.count(mark) > 1
        grouped = list(_split(digits, mark, "")) if mark == "," or whole or several else []
        if not several and not (whole and grouped):
            yield digits.replace(mark, ".")
        yield from grouped


def _split(digits: str, thousands: str, decimal: str) -> Iterator[str]:
    """The digits if their thousands are groups of three, none of which begins the number with a 0."""
    before, _, after = digits.partition(decimal) if decimal else (digits, "", "")
    group = re.escape(thousands)
    if re.fullmatch(rf"[1-9]\d{{0,2}}(?:{group}\d{{3}})+", before) and re.fullmatch(r"\d*", after):
        yield before.replace(thousands, "") + (f".{after}" if after else "")
