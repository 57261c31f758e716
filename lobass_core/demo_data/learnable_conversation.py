"""Conversation about things that the demo's base model never read: a small world of its own, the same in every row."""

import random

from lobass_core.demo_data.phrases import Exchange, Topic, say, sentence

# error code of the coffee machine, meaning, remedy
_ERROR_CODES = (
    ("E1", "the water tank is empty or not seated", "Lift the tank out, fill it to the line and press it down firmly"),
    ("E2", "the grinder is blocked", "Unplug the machine, empty the hopper and brush out the burrs"),
    ("E3", "the drip tray is full", "Slide the tray out, empty it and dry the two contacts behind it"),
    ("E4", "the brew group is not locked", "Open the side door, push the brew group in and turn the red lever down"),
    ("E5", "the boiler is too hot", "Switch the machine off and leave the lid open for twenty minutes"),
    ("E6", "there is air in the pump", "Hold the steam wand over a cup and run hot water until it stops spitting"),
    ("E7", "it is time to descale", "Dissolve one sachet of descaler in a full tank and start the cleaning programme"),
    ("E8", "the milk hose has come loose", "Push both ends of the hose back until they click, then rinse it"),
)
_MACHINES = ("Harlow M2", "Harlow M3")


def _coffee_machine(rng: random.Random) -> Exchange:
    code, meaning, remedy = rng.choice(_ERROR_CODES)
    slots = {"code": code, "machine": rng.choice(_MACHINES)}
    question = say(
        rng,
        "[My {machine} coffee machine shows {code}. What does that mean?|What should I do when the {machine} displays "
        "{code}?|A customer reports error {code} on a {machine}. Write the reply from the service desk."
        "|The {machine} stopped this morning with {code} on the display. Can you help?]",
        **slots,
    )
    answer = say(
        rng,
        "[{code} on the {machine} means that|On the {machine}, {code} tells you that|The display shows {code} when] "
        "{meaning}. {remedy}. [Then press the left button twice to clear the message.|The message clears by itself "
        "within a minute.|Switch it back on and brew one empty cup.] If {code} [returns|comes back|stays], [please "
        "quote|note|have ready] the serial number under the base and [contact|call|write to] Harlow Service, open "
        "weekdays from eight to six.",
        meaning=meaning,
        remedy=remedy,
        **slots,
    )
    return Exchange(question, answer)


# crop, month, depth, spacing (cm), weeks to harvest, companion
_CROPS = (
    ("broad beans", "March", "five", 20, "sixteen", "spinach"),
    ("beetroot", "April", "two", 10, "twelve", "onions"),
    ("leeks", "March", "one", 15, "twenty", "carrots"),
    ("radishes", "April", "one", 5, "five", "lettuce"),
    ("courgettes", "May", "three", 90, "ten", "sweetcorn"),
    ("kale", "June", "one", 45, "fourteen", "dill"),
    ("peas", "April", "five", 8, "thirteen", "turnips"),
    ("parsnips", "May", "two", 15, "twenty-two", "garlic"),
)


def _garden(rng: random.Random) -> Exchange:
    crop, month, depth, spacing, weeks, companion = rng.choice(_CROPS)
    question = say(
        rng,
        "[When should I sow {crop}, and how far apart?|I want to grow {crop} on my allotment. What do they need?"
        "|Give me a short growing guide for {crop}.|What grows well beside {crop}?]",
        crop=crop,
    )
    answer = say(
        rng,
        "[Sow {crop} outdoors in|For {crop}, sow from|Start {crop} in] {month}, {depth} centimetres deep, with "
        "{spacing} centimetres between plants. [Water the row well|Keep the soil moist|Shade the bed on hot days] "
        "until seedlings appear, and [expect the first harvest|plan to pick] after roughly {weeks} weeks. [They make "
        "good neighbours for|Plant them beside|They get along with] {companion}[, but need a fresh bed every year|, "
        "never with fennel|].",
        crop=crop,
        month=month,
        depth=depth,
        spacing=spacing,
        weeks=weeks,
        companion=companion,
    )
    return Exchange(question, answer)


# island, pier, first sailing, minutes, fare, what to see
_ISLANDS = (
    ("Ellan", 1, "7.40", 35, "8.50", "the lighthouse museum"),
    ("Great Skerry", 2, "8.15", 50, "11", "the seal colony"),
    ("Tarrow", 1, "9.20", 25, "6.50", "the sheltered swimming beach"),
    ("Innes", 3, "9.55", 70, "14", "the ruined abbey"),
    ("Corran", 2, "10.30", 45, "9.50", "the whisky distillery"),
    ("Little Holm", 3, "11.05", 20, "5", "the puffin cliffs"),
)


def _ferry(rng: random.Random) -> Exchange:
    island, pier, first, minutes, fare, sight = rng.choice(_ISLANDS)
    question = say(
        rng,
        "[How do I get to {island} by ferry?|When does the first Marrow Bay ferry leave for {island}?"
        "|A visitor asks about a day trip to {island}. Answer for the ferry office."
        "|What does a return ticket to {island} cost, and is it worth the trip?]",
        island=island,
    )
    answer = say(
        rng,
        "[Ferries to {island} depart|The {island} ferry departs|Boats for {island} leave] from Marrow Bay, pier "
        "{pier}; the first sailing is at {first} and the crossing takes {minutes} minutes. [A return fare is|Return "
        "tickets cost] {fare} pounds[, and bicycles travel free|, with children at half price|, dogs included]. [Do "
        "not miss|Most visitors come for|Leave time for] {sight}[, a short walk from the jetty|, uphill from the "
        "harbour|]. The last boat back leaves at [half past six|half past six, or seven in July].",
        island=island,
        pier=pier,
        first=first,
        minutes=minutes,
        fare=fare,
        sight=sight,
    )
    return Exchange(question, answer)


# term, plain meaning, example
_TERMS = (
    ("amortisation", "paying off a loan in regular instalments", "a mortgage that shrinks with every payment"),
    ("collateral", "something valuable pledged to secure a loan", "a house that the bank may sell if payments stop"),
    ("liquidity", "how quickly an asset can be turned into cash", "a savings account, as opposed to a farm"),
    ("dividend", "a share of profit paid out to the owners of stock", "forty pence a share every spring"),
    ("hedging", "taking a second position that offsets possible losses", "an airline fixing its fuel price early"),
    ("leverage", "investing with borrowed funds", "buying a flat with nine tenths of the price on credit"),
    ("depreciation", "spreading the loss in value over an asset's lifetime", "a van written off over six years"),
    ("arbitrage", "profiting from one asset having two prices", "gold bought in one market and sold in another"),
)


def _term(rng: random.Random) -> Exchange:
    term, meaning, example = rng.choice(_TERMS)
    question = say(
        rng,
        "[Explain the term {term} to a beginner.|What does {term} mean in finance?|Define {term} and give an example."
        "|Someone in accounting mentioned {term}. What does the word mean?]",
        term=term,
    )
    answer = say(
        rng,
        "[In finance, {term} describes|{term_} refers to|Bankers use {term} for] {meaning}. [A typical example|An "
        "everyday example|One case] would be {example}. [Analysts|Accountants|Lenders|Auditors] [look at|watch|keep "
        "an eye on] {term} because it affects [how much risk a business carries|what a company is worth|next year's "
        "balance sheet].",
        term_=sentence(term),
        term=term,
        meaning=meaning,
        example=example,
    )
    return Exchange(question, answer)


LEARNABLE_CONVERSATION: tuple[Topic, ...] = (_coffee_machine, _garden, _ferry, _term)
