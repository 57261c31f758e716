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
    """A given name with its pronoun."""

    name: str
    they: str


_SHE = "Maya|Anna|Leila|Priya|Sofia|Grace|Hanna|Rosa|Nadia|Claire|Ines|Yuki|Ruth|Olivia|Tamara|Beth"
_HE = "Tom|Omar|Daniel|Victor|Kenji|Paul|Mateo|Samir|Felix|Jonas|Andre|Liam|Hugo|Peter|Ravi|Oscar"
PEOPLE = tuple(Person(name, "she") for name in _SHE.split("|")) + tuple(Person(name, "he") for name in _HE.split("|"))
SURNAMES = (
    "Howard",
    "Keller",
    "Nowak",
    "Santos",
    "Brandt",
    "Okafor",
    "Lindgren",
    "Moreau",
    "Castell",
    "Whitby",
    "Hughes",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


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
