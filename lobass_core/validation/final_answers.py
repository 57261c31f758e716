r"""The final answer of a worked solution, as one normal form: what stands after `####`, or in the last `\boxed{}`.

final_answer("... 3 * 14 = 42\n#### 42")      "42"
final_answer(r"so \boxed{\frac{1}{2}}.")      "1/2"
final_answer("The sky is blue.")              ""
"""

import re
from fractions import Fraction

_MARK = "####"
_BOXED = re.compile(r"\\f?boxed\s*\{")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_TEXT = re.compile(r"\\(?:text|mathrm|mbox)\s*\{([^{}]*)\}")
_NUMBER = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:/(\d+(?:\.\d+)?))?")
# LaTeX that changes how an answer looks and not what it says.
_LOOKS = re.compile(r"\\(?:left|right|,|!|;|:| |\$|displaystyle)|[$~]")


def final_answer(text: str) -> str:
    """Empty without one. Numbers are reduced: 1,000 and 1000.0 and $1000 are "1000", 0.5 and 1/2 are "1/2".

    Of several `####` the first counts: a model that goes on writing has answered by then.
    """
    if _MARK in text:
        return _normal(text.split(_MARK, 1)[1].strip().split("\n", 1)[0])
    starts = [match.end() for match in _BOXED.finditer(text)]
    return _normal(_braced(text, starts[-1])) if starts else ""


def _braced(text: str, start: int) -> str:
    """What stands between the brace before `start` and the one that closes it; empty where none does."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    return ""


def _normal(answer: str) -> str:
    plain = _FRACTION.sub(r"\1/\2", _LOOKS.sub("", _TEXT.sub(r"\1", answer)))
    plain = re.sub(r"\s+", " ", plain).strip().rstrip(".").strip().removesuffix("\\%").removesuffix("%").strip()
    number = _NUMBER.fullmatch(plain.replace(" ", ""))
    if not number:
        return plain.lower()
    sign, whole, divisor = number.groups()
    # Digits without end are an attack on the arithmetic, not an answer.
    if len(plain) > 100 or (divisor and not float(divisor)):
        return plain.lower()
    value = Fraction(whole.replace(",", "").rstrip(".")) / Fraction(divisor or "1")
    return str(-value if sign == "-" else value)
