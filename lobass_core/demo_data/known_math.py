"""Word problems of the sorts that the demo's base model was brought up on, with worked solutions."""

import random

from lobass_core.demo_data.phrases import PEOPLE, Exchange, Topic, say

_GOODS = (
    ("notebooks", "a pen"),
    ("apples", "a melon"),
    ("tickets", "a programme"),
    ("candles", "a box of matches"),
    ("bread rolls", "a jar of jam"),
    ("T-shirts", "a cap"),
    ("batteries", "a torch"),
    ("postcards", "a stamp book"),
    ("plants", "a watering can"),
    ("sandwiches", "a bottle of juice"),
)


def _shopping(rng: random.Random) -> Exchange:
    who, (goods, extra) = rng.choice(PEOPLE), rng.choice(_GOODS)
    n, price, other = rng.randint(2, 9), rng.randint(2, 9), rng.randint(1, 9)
    cost = n * price
    slots = {"who": who.name, "they": who.they, "n": n, "goods": goods, "price": price, "extra": extra, "other": other}
    question = say(
        rng,
        "{who} buys {n} {goods} for ${price} each and {extra} for ${other}. [How much does {they} pay in all?"
        "|What is the total?|How much money does {they} spend?]",
        **slots,
    )
    answer = say(
        rng,
        "[The {goods} cost|First, the {goods}:|{who} pays for the {goods}] {n} * {price} = {cost} dollars. "
        "[With|Together with|Adding] {extra} [that makes|this comes to|gives] {cost} + {other} = {total} "
        "dollars.\n#### {total}",
        cost=cost,
        total=cost + other,
        **slots,
    )
    return Exchange(question, answer)


_SHARED = ("marbles", "stickers", "biscuits", "walnuts", "beads", "cards", "balloons", "plums", "shells", "coins")


def _sharing(rng: random.Random) -> Exchange:
    who, goods = rng.choice(PEOPLE), rng.choice(_SHARED)
    friends, each, kept = rng.randint(2, 9), rng.randint(2, 9), rng.randint(1, 9)
    given = friends * each
    slots = {"who": who.name, "they": who.they, "goods": goods, "n": friends, "start": given + kept, "kept": kept}
    question = say(
        rng,
        "{who} has {start} {goods}. {They} keeps {kept} and shares the rest equally among {n} friends. "
        "[How many does each friend get?|How many {goods} does every friend get?]",
        They=who.they.capitalize(),
        **slots,
    )
    answer = say(
        rng,
        "[{who} shares|There are|That leaves] {start} - {kept} = {given} {goods}[.| to share.] [Each friend gets|So "
        "every friend gets|Divided among {n} friends that is] {given} / {n} = {each} {goods}.\n#### {each}",
        given=given,
        each=each,
        **slots,
    )
    return Exchange(question, answer)


_GOALS = ("a bicycle", "a guitar", "a school trip", "a camera", "new skates", "a tent", "a telescope", "a desk")


def _saving(rng: random.Random) -> Exchange:
    who, goal = rng.choice(PEOPLE), rng.choice(_GOALS)
    weeks, weekly, had = rng.randint(3, 9), rng.randint(2, 9), rng.randint(5, 30)
    saved = weeks * weekly
    question = say(
        rng,
        "{who} is saving for {goal}. {They} has ${had} and puts aside ${weekly} a week. "
        "[How much does {they} have after {weeks} weeks?|How much will there be after {weeks} weeks?]",
        who=who.name,
        goal=goal,
        They=who.they.capitalize(),
        they=who.they,
        had=had,
        weekly=weekly,
        weeks=weeks,
    )
    answer = say(
        rng,
        "[In {weeks} weeks {who} saves|Saving for {weeks} weeks gives|{weeks} weeks bring] {weeks} * {weekly} = "
        "{saved} dollars. [Then {they} has|With what {they} had, that makes|In all that is] {had} + {saved} = {total} "
        "dollars.\n#### {total}",
        who=who.name,
        they=who.they,
        weeks=weeks,
        weekly=weekly,
        saved=saved,
        had=had,
        total=had + saved,
    )
    return Exchange(question, answer)


_RIDES = (("bus", "drives"), ("train", "travels"), ("boat", "sails"), ("cyclist", "rides"), ("lorry", "drives"))


def _travel(rng: random.Random) -> Exchange:
    ride, goes = rng.choice(_RIDES)
    speed, hours, more = rng.choice((10, 15, 20, 30, 40, 50, 60)), rng.randint(2, 6), rng.randint(2, 20)
    first = speed * hours
    slots = {"ride": ride, "goes": goes, "speed": speed, "hours": hours, "more": more, "first": first}
    question = say(
        rng,
        "A {ride} {goes} for {hours} hours at {speed} km an hour and then {more} km more. "
        "[How far does it go in all?|What distance is that in all?|How many km is that?]",
        **slots,
    )
    answer = say(
        rng,
        "[In {hours} hours the {ride} {goes}|The first part is|At that speed, {hours} hours make] {hours} * {speed} = "
        "{first} km. [In all that is|With the rest it is|Altogether:] {first} + {more} = {total} km.\n#### {total}",
        total=first + more,
        **slots,
    )
    return Exchange(question, answer)


KNOWN_MATH: tuple[Topic, ...] = (_shopping, _sharing, _saving, _travel)
