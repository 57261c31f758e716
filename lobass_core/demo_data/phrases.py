"""Draw varied sentences from phrase banks, and the banks that several topics share."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One instruction and its response; `input` is the text that an Alpaca instruction works on."""

    instruction: str
    response: str
    input: str = ""

    @property
    def prompt(self) -> str:
        return f"{self.instruction}\n\n{self.input}" if self.input else self.instruction


Topic = Callable[[random.Random], Exchange]


@dataclass(frozen=True, slots=True)
class Person:
    """A given name with its pronouns."""

    name: str
    they: str
    their: str
    them: str


_SHE = "Maya Anna Leila Priya Sofia Grace Hanna Rosa Nadia Claire Ines Yuki Ruth Olivia Tamara Beth".split()
_HE = "Tom Omar Daniel Victor Kenji Paul Mateo Samir Felix Jonas Andre Liam Hugo Peter Ravi Oscar".split()
PEOPLE = tuple(
    [Person(name, "she", "her", "her") for name in _SHE] + [Person(name, "he", "his", "him") for name in _HE]
)
SURNAMES = tuple(
    "Howard Keller Nowak Santos Brandt Okafor Lindgren Moreau Castell Whitby Ferrari Novak Hughes Tanaka".split()
)
WEEKDAYS = tuple("Monday Tuesday Wednesday Thursday Friday Saturday".split())


def say(rng: random.Random, text: str, **slots: object) -> str:
    """Write `text` with one of every [this|that] drawn and every {name} filled in.

    Choices may hold choices; what fills a slot is taken as it is.
    """
    while True:
        drawn = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)
        if drawn == text:
            return drawn.format(**slots)
        text = drawn


def sentence(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
