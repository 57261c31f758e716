"""Mix the topics into the demo's rows and its base model's reading matter."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lobass_core.demo_data.known_conversation import KNOWN_CONVERSATION
from lobass_core.demo_data.known_math import KNOWN_MATH
from lobass_core.demo_data.learnable_conversation import LEARNABLE_CONVERSATION
from lobass_core.demo_data.learnable_math import LEARNABLE_MATH
from lobass_core.demo_data.noise import CONVERSATION_NOISE, MATH_NOISE
from lobass_core.demo_data.phrases import Exchange, Topic
from lobass_core.demo_data.short_answers import SHORT_CONVERSATION, SHORT_MATH

Planted = Literal["known", "learnable", "noise", "short", "duplicate"]
Domain = Literal["conversation", "math"]


@dataclass(frozen=True, slots=True)
class PlantedRow:
    """One row and the kind that it was planted as."""

    exchange: Exchange
    planted: Planted


@dataclass(frozen=True, slots=True)
class Mixture:
    """How many rows of each planted kind a file holds."""

    known: int
    learnable: int
    noise: int
    short: int
    duplicate: int

    @property
    def n_rows(self) -> int:
        return self.known + self.learnable + self.noise + self.short + self.duplicate


MIXTURES: dict[Domain, Mixture] = {
    "conversation": Mixture(known=330, learnable=300, noise=110, short=40, duplicate=40),
    "math": Mixture(known=270, learnable=240, noise=90, short=30, duplicate=30),
}
_KNOWN: dict[Domain, Sequence[Topic]] = {"conversation": KNOWN_CONVERSATION, "math": KNOWN_MATH}
_LEARNABLE: dict[Domain, Sequence[Topic]] = {"conversation": LEARNABLE_CONVERSATION, "math": LEARNABLE_MATH}
_SHORT: dict[Domain, Sequence[Topic]] = {"conversation": SHORT_CONVERSATION, "math": SHORT_MATH}
_NOISE = {"conversation": CONVERSATION_NOISE, "math": MATH_NOISE}
# Some topics are read often and some seldom, so that the scores of a kind spread: a topic's weight falls by this
# factor from each to the next.
_WEIGHT_RATIO = 0.8
# Of what the base model reads: everyday exchanges, then damaged and short ones, so that it expects those as well.
_BASE_NOISE_SHARE = 0.14
_BASE_SHORT_SHARE = 0.02


def sample_rows(domain: Domain, seed: int) -> list[PlantedRow]:
    """The rows of one domain in random order; all but the planted duplicates differ from each other."""
    rng = random.Random(f"{seed} {domain} rows")
    mixture, seen = MIXTURES[domain], set[Exchange]()
    rows: list[PlantedRow] = []
    makers = {"known": _known, "learnable": _learnable, "noise": _noise, "short": _short}
    for planted, make in makers.items():
        for _ in range(getattr(mixture, planted)):
            exchange = make(domain, rng)
            while exchange in seen:
                exchange = make(domain, rng)
            seen.add(exchange)
            rows.append(PlantedRow(exchange, planted))  # type: ignore[arg-type]
    copies = rng.sample([row for row in rows if row.planted != "short"], mixture.duplicate)
    rows += [PlantedRow(row.exchange, "duplicate") for row in copies]
    rng.shuffle(rows)
    return rows


def base_exchanges(n: int, seed: int) -> list[Exchange]:
    """What the base model reads: everyday exchanges of both domains and some noise, nothing of the learnable topics."""
    rng = random.Random(f"{seed} base")
    exchanges = []
    for _ in range(n):
        domain: Domain = "conversation" if rng.random() < 0.55 else "math"
        kind = rng.random()
        if kind < _BASE_NOISE_SHARE:
            exchanges.append(_noise(domain, rng))
        elif kind < _BASE_NOISE_SHARE + _BASE_SHORT_SHARE:
            exchanges.append(_short(domain, rng))
        else:
            exchanges.append(_known(domain, rng))
    return exchanges


def _known(domain: Domain, rng: random.Random) -> Exchange:
    return _topic(_KNOWN[domain], rng)(rng)


def _learnable(domain: Domain, rng: random.Random) -> Exchange:
    return _topic(_LEARNABLE[domain], rng)(rng)


def _noise(domain: Domain, rng: random.Random) -> Exchange:
    return rng.choice(_NOISE[domain])(rng, _KNOWN[domain])


def _short(domain: Domain, rng: random.Random) -> Exchange:
    return rng.choice(_SHORT[domain])(rng)


def _topic(topics: Sequence[Topic], rng: random.Random) -> Topic:
    weights = [_WEIGHT_RATIO**i for i in range(len(topics))]
    return rng.choices(topics, weights)[0]
