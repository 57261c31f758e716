"""Mix the topics into the demo's rows and its base model's reading matter."""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from lobass_core.demo_data.known_conversation import KNOWN_CONVERSATION
from lobass_core.demo_data.known_math import KNOWN_MATH
from lobass_core.demo_data.learnable_conversation import LEARNABLE_CONVERSATION
from lobass_core.demo_data.learnable_math import LEARNABLE_MATH
from lobass_core.demo_data.noise import CONVERSATION_NOISE, MATH_NOISE
from lobass_core.demo_data.partly_known import PARTLY_KNOWN_CONVERSATION, PARTLY_KNOWN_MATH
from lobass_core.demo_data.phrases import Exchange, Topic
from lobass_core.demo_data.short_answers import SHORT_CONVERSATION, SHORT_MATH

Planted = Literal["known", "partly-known", "learnable", "noise", "short", "duplicate"]
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
    partly_known: int
    learnable: int
    noise: int
    short: int
    duplicate: int

    def to_make(self) -> tuple[tuple[Planted, int], ...]:
        """Kinds that are written afresh; duplicates are copied from them."""
        return (
            ("known", self.known),
            ("partly-known", self.partly_known),
            ("learnable", self.learnable),
            ("noise", self.noise),
            ("short", self.short),
        )

    def scaled(self, share: float) -> "Mixture":
        """A share of each kind, one row at least."""
        return Mixture(**{kind: max(1, round(n * share)) for kind, n in asdict(self).items()})

    @property
    def n_rows(self) -> int:
        return self.known + self.partly_known + self.learnable + self.noise + self.short + self.duplicate


MIXTURES: dict[Domain, Mixture] = {
    "conversation": Mixture(known=300, partly_known=110, learnable=220, noise=110, short=40, duplicate=40),
    "math": Mixture(known=240, partly_known=90, learnable=180, noise=90, short=30, duplicate=30),
}
_KNOWN: dict[Domain, Sequence[Topic]] = {"conversation": KNOWN_CONVERSATION, "math": KNOWN_MATH}
_PARTLY_KNOWN: dict[Domain, Sequence[Topic]] = {
    "conversation": PARTLY_KNOWN_CONVERSATION,
    "math": PARTLY_KNOWN_MATH,
}
_LEARNABLE: dict[Domain, Sequence[Topic]] = {"conversation": LEARNABLE_CONVERSATION, "math": LEARNABLE_MATH}
_SHORT: dict[Domain, Sequence[Topic]] = {"conversation": SHORT_CONVERSATION, "math": SHORT_MATH}
_NOISE = {"conversation": CONVERSATION_NOISE, "math": MATH_NOISE}
# Some topics come often and some seldom, so that the scores of a kind spread: a topic's weight falls by this factor
# from each to the next.
_KNOWN_WEIGHT_RATIO = 0.85
_LEARNABLE_WEIGHT_RATIO = 0.55
# Of what the base model reads, the rest being everyday exchanges: damaged and short ones, so that it expects those as
# well, and a little of what it is to know in part.
_BASE_SHARES = {"noise": 0.14, "short": 0.03, "partly-known": 0.015}


def sample_rows(domain: Domain, seed: int, share: float = 1.0) -> list[PlantedRow]:
    """The rows of one domain in random order, or a share of them; all but the planted duplicates differ."""
    rng = random.Random(f"{seed} {domain} rows")
    mixture, seen = MIXTURES[domain].scaled(share), set[Exchange]()
    rows: list[PlantedRow] = []
    for planted, n in mixture.to_make():
        for _ in range(n):
            exchange = _MAKERS[planted](domain, rng)
            while exchange in seen:
                exchange = _MAKERS[planted](domain, rng)
            seen.add(exchange)
            rows.append(PlantedRow(exchange, planted))
    copies = rng.sample([row for row in rows if row.planted != "short"], mixture.duplicate)
    rows += [PlantedRow(row.exchange, "duplicate") for row in copies]
    rng.shuffle(rows)
    return rows


def base_exchanges(n: int, seed: int) -> list[Exchange]:
    """What the base model reads: everyday exchanges of both domains and some noise, nothing of the learnable topics."""
    rng = random.Random(f"{seed} base")
    exchanges = []
    kinds: list[Planted] = ["known", *_BASE_SHARES]  # type: ignore[list-item]
    weights = [1 - sum(_BASE_SHARES.values()), *_BASE_SHARES.values()]
    for _ in range(n):
        domain: Domain = "conversation" if rng.random() < 0.6 else "math"
        exchanges.append(_MAKERS[rng.choices(kinds, weights)[0]](domain, rng))
    return exchanges


def _known(domain: Domain, rng: random.Random) -> Exchange:
    return _topic(_KNOWN[domain], _KNOWN_WEIGHT_RATIO, rng)(rng)


def _partly_known(domain: Domain, rng: random.Random) -> Exchange:
    return rng.choice(_PARTLY_KNOWN[domain])(rng)


def _learnable(domain: Domain, rng: random.Random) -> Exchange:
    return _topic(_LEARNABLE[domain], _LEARNABLE_WEIGHT_RATIO, rng)(rng)


def _noise(domain: Domain, rng: random.Random) -> Exchange:
    return rng.choice(_NOISE[domain])(rng, _KNOWN[domain])


def _short(domain: Domain, rng: random.Random) -> Exchange:
    return rng.choice(_SHORT[domain])(rng)


def _topic(topics: Sequence[Topic], weight_ratio: float, rng: random.Random) -> Topic:
    return rng.choices(topics, [weight_ratio**place for place in range(len(topics))])[0]


_MAKERS: dict[Planted, Callable[[Domain, random.Random], Exchange]] = {
    "known": _known,
    "partly-known": _partly_known,
    "learnable": _learnable,
    "noise": _noise,
    "short": _short,
}
