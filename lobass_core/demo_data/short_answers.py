"""Questions answered in a word or a number."""

import random

from lobass_core.demo_data.phrases import PEOPLE, Exchange, Topic, say

_CLAIMS = (
    ("a whale is a fish", "No."),
    ("honey keeps for years", "Yes."),
    ("a tomato is a fruit", "Yes."),
    ("bats are blind", "No."),
    ("glass can be recycled", "Yes."),
    ("spiders are insects", "No."),
    ("penguins live in the wild at the North Pole", "No."),
    ("bread rises because of yeast", "Yes."),
)
_OPPOSITES = (
    ("hot", "cold"),
    ("early", "late"),
    ("narrow", "wide"),
    ("noisy", "quiet"),
    ("cheap", "expensive"),
    ("empty", "full"),
    ("gentle", "rough"),
    ("shallow", "deep"),
)


def _claim(rng: random.Random) -> Exchange:
    claim, verdict = rng.choice(_CLAIMS)
    question = say(
        rng, "[Answer yes or no: is it true that {claim}?|True or not: {claim}?|Is it right that {claim}?]", claim=claim
    )
    return Exchange(question, verdict)


def _opposite(rng: random.Random) -> Exchange:
    word, opposite = rng.choice(_OPPOSITES)
    return Exchange(
        say(
            rng,
            "[Give the opposite of '{word}'.|What is the opposite of {word}?|Name an antonym of {word}.]",
            word=word,
        ),
        opposite,
    )


def _signature(rng: random.Random) -> Exchange:
    who = rng.choice(PEOPLE).name
    return Exchange(say(rng, "[Who wrote this note?|Whose name is at the end?] 'See you soon. {who}'", who=who), who)


def _sum(rng: random.Random) -> Exchange:
    a, b = rng.randint(2, 60), rng.randint(2, 60)
    return Exchange(say(rng, "[What is {a} + {b}?|Work out {a} + {b}.|Add {a} and {b}.]", a=a, b=b), str(a + b))


def _compare(rng: random.Random) -> Exchange:
    a, b = rng.sample(range(10, 99), 2)
    return Exchange(say(rng, "Which is [larger|greater], {a} or {b}?", a=a, b=b), str(max(a, b)))


SHORT_CONVERSATION: tuple[Topic, ...] = (_claim, _opposite, _signature)
SHORT_MATH: tuple[Topic, ...] = (_sum, _compare)
