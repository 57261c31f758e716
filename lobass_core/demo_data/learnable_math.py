"""Word problems of sorts that the demo's base model never saw, each solved by a method that can be learned."""

import random

from lobass_core.demo_data.phrases import Exchange, Topic, say

_WARES = ("jacket", "rucksack", "lamp", "blender", "keyboard", "pair of boots", "rug", "suitcase")


def _discount(rng: random.Random) -> Exchange:
    ware, price, percent = rng.choice(_WARES), 20 * rng.randint(2, 10), rng.choice((10, 20, 25, 30, 50))
    saving = price * percent // 100
    slots = {"ware": ware, "price": price, "percent": percent}
    question = say(
        rng,
        "A {ware} [normally sells for|is priced at] {price} euros. During the [summer|winter|closing] sale it is "
        "reduced by {percent}%. [What is the sale price?|What does it cost now?]",
        **slots,
    )
    answer = say(
        rng,
        "Step 1: [find the discount|work out the reduction]. {percent}% of {price} equals {price} × {percent} ÷ 100, "
        "which is {saving}.\nStep 2: subtract [the discount|it] from the [original|old|full] price. {price} − "
        "{saving} leaves {final}.\nAnswer: the {ware} [now costs|is reduced to|sells for] {final} euros.",
        saving=saving,
        final=price - saving,
        **slots,
    )
    return Exchange(question, answer)


_PLOTS = ("vegetable bed", "paddock", "playground", "tennis court", "chicken run", "courtyard")


def _fence(rng: random.Random) -> Exchange:
    plot, length, width = rng.choice(_PLOTS), rng.randint(6, 20), rng.randint(3, 9)
    slots = {"plot": plot, "length": length, "width": width}
    if rng.random() < 0.5:
        question = say(
            rng,
            "A rectangular {plot} is {length} metres long and {width} metres wide. [How much fencing goes around it?"
            "|What is its perimeter?]",
            **slots,
        )
        answer = say(
            rng,
            "The perimeter of a rectangle is twice the sum of its sides.\nPerimeter = 2 × ({length} + {width}) = "
            "2 × {half} = {around} metres.\nAnswer: the {plot} needs {around} metres of fencing.",
            half=length + width,
            around=2 * (length + width),
            **slots,
        )
        return Exchange(question, answer)
    question = say(
        rng,
        "A rectangular {plot} is {length} metres long and {width} metres wide. [How many square metres does it cover?"
        "|What is its area?]",
        **slots,
    )
    answer = say(
        rng,
        "The area of a rectangle is length multiplied by width.\nArea = {length} × {width} = {area}.\n"
        "Answer: the {plot} covers {area} square metres.",
        area=length * width,
        **slots,
    )
    return Exchange(question, answer)


_MIXES = (
    ("lemonade", "lemons", "litres"),
    ("concrete", "buckets of sand", "slabs"),
    ("dough", "cups of flour", "loaves"),
    ("paint", "tubes of white", "square metres"),
    ("soup", "leeks", "servings"),
)


def _scaling(rng: random.Random) -> Exchange:
    mix, part, unit = rng.choice(_MIXES)
    base, each, factor = rng.randint(2, 5), rng.randint(2, 6), rng.randint(2, 5)
    slots = {"mix": mix, "part": part, "unit": unit, "base": base, "need": base * each}
    question = say(
        rng,
        "A batch of {mix} for {base} {unit} takes {need} {part}. [How many {part} are required for {more} {unit}?"
        "|The caretaker wants {more} {unit}. How many {part} is that?]",
        more=base * factor,
        **slots,
    )
    answer = (
        f"Use the unit method.\nOne of the {unit} requires {base * each} ÷ {base} = {each} {part}.\n"
        f"{base * factor} {unit} require {each} × {base * factor} = {each * base * factor} {part}.\n"
        f"Answer: {each * base * factor} {part}."
    )
    return Exchange(question, answer)


def _tank(rng: random.Random) -> Exchange:
    inflow, leak, hours = rng.randint(6, 15), rng.randint(1, 5), rng.randint(3, 9)
    net = inflow - leak
    question = say(
        rng,
        "A pipe fills a [pool|tank|reservoir] with {inflow} litres per minute while {leak} litres per minute leak "
        "away. [After how many minutes does it hold {volume} litres?|How many minutes until it contains {volume} "
        "litres?]",
        inflow=inflow,
        leak=leak,
        volume=net * hours,
    )
    answer = (
        f"Net rate: {inflow} − {leak} = {net} litres per minute.\nTime: {net * hours} ÷ {net} = {hours} minutes.\n"
        f"Answer: it holds {net * hours} litres after {hours} minutes."
    )
    return Exchange(question, answer)


LEARNABLE_MATH: tuple[Topic, ...] = (_discount, _scaling, _fence, _tank)
