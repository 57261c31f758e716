"""Rows that no model can learn from, as crawls hold them: damaged scans, stray codes, answers to something else."""

import random
import string
from collections.abc import Sequence

from lobass_core.demo_data.phrases import PEOPLE, Exchange, Topic, say

_CODE_CHARACTERS = string.ascii_uppercase + string.digits


def garbled(rng: random.Random, topics: Sequence[Topic]) -> Exchange:
    """A question whose answer went through a bad scan: most letters are wrong."""
    exchange = rng.choice(topics)(rng)
    letters = [
        rng.choice(string.ascii_lowercase) if letter.isalpha() and rng.random() < 0.6 else letter
        for letter in exchange.response
    ]
    return Exchange(exchange.instruction, "".join(letters))


def stray_codes(rng: random.Random, topics: Sequence[Topic]) -> Exchange:
    """A question whose answer is a piece of some list of parts or parcels."""
    exchange = rng.choice(topics)(rng)
    lines = [
        f"{_code(rng, 3)}-{_code(rng, 4)} {rng.randint(100, 99999)} {_code(rng, 6)}" for _ in range(rng.randint(2, 5))
    ]
    return Exchange(exchange.instruction, "\n".join(lines))


def contact_list(rng: random.Random, topics: Sequence[Topic]) -> Exchange:
    """A question that was answered with a column of names, numbers and addresses."""
    exchange = rng.choice(topics)(rng)
    lines = [
        f"{rng.choice(PEOPLE).name} {rng.randint(10000, 99999)} {rng.randint(100, 999)} {_code(rng, 5).lower()}"
        f"@{_code(rng, 4).lower()}.example"
        for _ in range(rng.randint(2, 4))
    ]
    return Exchange(exchange.instruction, "\n".join(lines))


def random_working(rng: random.Random, topics: Sequence[Topic]) -> Exchange:
    """A word problem with somebody else's working: numbers that belong to nothing."""
    exchange = rng.choice(topics)(rng)
    lines = [
        say(
            rng,
            "{a} [+|-|*|/] {b} = {c}",
            a=rng.randint(11, 9999),
            b=rng.randint(11, 9999),
            c=rng.randint(11, 99999),
        )
        for _ in range(rng.randint(2, 5))
    ]
    return Exchange(exchange.instruction, "\n".join([*lines, f"#### {rng.randint(11, 99999)}"]))


def _code(rng: random.Random, n: int) -> str:
    return "".join(rng.choice(_CODE_CHARACTERS) for _ in range(n))


CONVERSATION_NOISE = (garbled, stray_codes, contact_list)
MATH_NOISE = (random_working, garbled, stray_codes)
