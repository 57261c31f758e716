"""Everyday conversation that the demo's base model was brought up on."""

import random

from lobass_core.demo_data.phrases import PEOPLE, SURNAMES, WEEKDAYS, Exchange, Topic, say

# stain, what lifts it, what to do first
_STAINS = (
    ("coffee", "white vinegar and a little washing-up liquid", "Blot up as much of it as you can with a dry cloth"),
    ("red wine", "salt and cold sparkling water", "Blot up as much of it as you can with a dry cloth"),
    ("grass", "white vinegar and warm water", "Brush off any dry bits"),
    ("ink", "rubbing alcohol on a cotton pad", "Put kitchen paper under the fabric"),
    ("chocolate", "cold water and washing-up liquid", "Scrape off what you can with a spoon"),
    ("tomato sauce", "cold water and washing-up liquid", "Scrape off what you can with a spoon"),
    ("candle wax", "rubbing alcohol on a soft cloth", "Let it harden and scrape off what you can"),
    ("blood", "cold salt water", "Rinse it under cold water as soon as you can"),
    ("mud", "warm water and washing powder", "Let it dry and brush off the crust"),
    ("butter", "baking powder and washing-up liquid", "Scrape off what you can with a spoon"),
)
_FABRICS = (
    "a cotton shirt",
    "a linen tablecloth",
    "the carpet",
    "a wool jumper",
    "a pair of jeans",
    "the sofa",
    "a silk scarf",
    "a school uniform",
)


def _stain(rng: random.Random) -> Exchange:
    stain, remedy, first = rng.choice(_STAINS)
    fabric = rng.choice(_FABRICS)
    question = say(
        rng,
        "[How do I get {stain} out of {fabric}?|What is the best way to remove a {stain} stain from {fabric}?"
        "|There is {stain} on {fabric}. How can I clean it?|Explain how to remove {stain} from {fabric}.]",
        stain=stain,
        fabric=fabric,
    )
    answer = say(
        rng,
        "[|Do not worry, it usually comes out.\n\n|Here is what works best.\n\n]1. {first}.\n"
        "2. [Dab|Treat|Soak] the stain with {remedy} and [leave it for|wait] [five|ten|fifteen|twenty] minutes.\n"
        "3. Rinse with [cold|clear|cool] water and repeat if you [can still see a mark|are not happy with it].\n"
        "4. [Let it dry in the air|Wash as usual|Wash at forty degrees|Dry it flat, away from the sun].\n\n"
        "[Try it on a hidden spot first|Test a hidden corner first|Work from the edge inwards], and "
        "[do not rub|never rub], because rubbing [pushes the stain in|spreads the stain|damages the fibres].",
        first=first,
        remedy=remedy,
    )
    return Exchange(question, answer)


# whom, greeting, what about, the body of the letter
_LETTERS = (
    (
        "my landlord",
        "a leaking tap",
        "the tap in the kitchen has been leaking since {day}",
        "send someone to repair it",
    ),
    ("my landlord", "a broken heater", "the heater in the bedroom stopped working on {day}", "have it checked"),
    ("my manager", "a day off", "I would like to take {day} off for a family visit", "let me know if that suits you"),
    ("my manager", "working from home", "I would like to work from home on {day}", "let me know if that suits you"),
    ("a customer", "a late delivery", "your order is late and will reach you on {day}", "accept our apologies"),
    ("a customer", "a refund", "your refund was sent on {day}", "allow three working days for it to arrive"),
    ("my teacher", "a missed lesson", "I was ill and missed the lesson on {day}", "tell me what I should read"),
    ("a hotel", "a booking", "I would like to book a double room from {day} for two nights", "confirm the price"),
    ("my neighbour", "loud music", "the music on {day} night kept us awake", "keep it down after ten"),
    (
        "the town council",
        "a street lamp",
        "the lamp in front of our house has been dark since {day}",
        "have it repaired",
    ),
)


def _letter(rng: random.Random) -> Exchange:
    whom, matter, news, request = rng.choice(_LETTERS)
    sender, surname, day = rng.choice(PEOPLE).name, rng.choice(SURNAMES), rng.choice(WEEKDAYS)
    question = say(
        rng,
        "[Write a short email to {whom} about {matter}.|Draft a polite email to {whom} about {matter}."
        "|Help me write to {whom} about {matter}. Sign it as {sender}.]",
        whom=whom,
        matter=matter,
        sender=sender,
    )
    answer = say(
        rng,
        "Subject: {matter}\n\n[Dear|Good morning|Hello] [Mr|Ms] {surname},\n\nI [am writing|hope you are well. I am "
        "writing|hope this finds you well. I would like] to let you know that {news}. [[Could you please|Would you "
        "kindly] {request}[?|, if possible?]|I would be glad if you could {request}.] [Thank you for your "
        "help.|Many thanks in advance.|Please call me if anything is unclear.|I am at home most evenings.]\n\n[Kind "
        "regards|Best wishes|Yours sincerely|Many thanks],\n{sender}",
        matter=matter[0].upper() + matter[1:],
        surname=surname,
        news=news.format(day=day),
        request=request,
        sender=sender,
    )
    return Exchange(question, answer)


# country, capital, part of the world, language, currency, known for
_COUNTRIES = (
    ("Portugal", "Lisbon", "southern Europe", "Portuguese", "the euro", "tiled houses and grilled sardines"),
    ("Norway", "Oslo", "northern Europe", "Norwegian", "the krone", "deep fjords and long winter nights"),
    ("Japan", "Tokyo", "East Asia", "Japanese", "the yen", "fast trains and cherry blossom"),
    ("Peru", "Lima", "South America", "Spanish", "the sol", "the ruins of Machu Picchu"),
    ("Kenya", "Nairobi", "East Africa", "Swahili and English", "the shilling", "wide savannas and strong tea"),
    ("Greece", "Athens", "southern Europe", "Greek", "the euro", "old temples and many islands"),
    ("Canada", "Ottawa", "North America", "English and French", "the dollar", "large forests and maple syrup"),
    ("Egypt", "Cairo", "North Africa", "Arabic", "the pound", "the pyramids and the river Nile"),
    ("Poland", "Warsaw", "central Europe", "Polish", "the zloty", "dumplings and salt mines"),
    ("Vietnam", "Hanoi", "Southeast Asia", "Vietnamese", "the dong", "noodle soup and rice terraces"),
    ("Chile", "Santiago", "South America", "Spanish", "the peso", "the Atacama desert and its clear skies"),
    ("Hungary", "Budapest", "central Europe", "Hungarian", "the forint", "hot springs and paprika"),
    ("Turkey", "Ankara", "western Asia", "Turkish", "the lira", "covered bazaars and strong coffee"),
    ("Iceland", "Reykjavik", "northern Europe", "Icelandic", "the krona", "volcanoes and hot springs"),
)


def _country(rng: random.Random) -> Exchange:
    country, capital, region, language, currency, fame = rng.choice(_COUNTRIES)
    slots = {"country": country, "capital": capital, "region": region, "language": language}
    question = say(
        rng,
        "[What is the capital of {country}?|Tell me about {country} in a few sentences."
        "|I am travelling to {country}. What should I know?|Write three sentences about {country}.]",
        country=country,
    )
    answer = say(
        rng,
        "[{country} is a country in {region}, and its capital is|{country} lies in {region}. Its capital is|The "
        "capital of {country}, in {region}, is] {capital}. [Most people there speak|The main language is|You will "
        "mostly hear] {language}, and [the currency is|the official currency is|shops take] {currency}. [It is known "
        "for|Visitors like it for|Many people think first of] {fame}[.|, and the food is good too.|, but there is "
        "much more to see.][| The best time to go is late spring.| Trains and buses are reliable.]",
        currency=currency,
        fame=fame,
        **slots,
    )
    return Exchange(question, answer)


# dish, preparation, minutes, how to finish
_DISHES = (
    ("rice", "Rinse one cup of rice and add two cups of water", "twelve", "fluff it with a fork"),
    ("boiled eggs", "Put the eggs into boiling water", "seven", "cool them in cold water"),
    ("pasta", "Bring a large pot of salted water to the boil", "nine", "drain it and keep a cup of the water"),
    ("lentil soup", "Fry an onion and add one cup of lentils", "thirty", "season with lemon juice"),
    ("baked potatoes", "Heat the oven and prick the potatoes with a fork", "sixty", "cut them open and add butter"),
    ("pancakes", "Mix flour, milk, eggs and a pinch of salt", "two", "turn them once and serve them warm"),
    ("porridge", "Stir one cup of oats into two cups of milk", "five", "sweeten it with honey"),
    ("roast carrots", "Cut the carrots and toss them in oil", "twenty-five", "sprinkle them with herbs"),
    ("tomato sauce", "Fry two cloves of garlic and add tinned tomatoes", "twenty", "stir in some basil"),
    ("green beans", "Trim the beans and boil some salted water", "six", "toss them in butter"),
)


def _dish(rng: random.Random) -> Exchange:
    dish, start, minutes, finish = rng.choice(_DISHES)
    question = say(
        rng,
        "[How do I make {dish}?|Give me a simple recipe for {dish}.|What is the easiest way to cook {dish}?"
        "|I have never made {dish}. Where do I start?]",
        dish=dish,
    )
    answer = say(
        rng,
        "[It is easier than you think.|This works every time.|Start with everything within reach.|You need very "
        "little.] {start}. [Cook|Leave it|Let it cook] for about {minutes} minutes[ over a medium heat| over a low "
        "heat|], then {finish}. [Taste it before you serve it.|Add a little salt if you like.|It keeps until the next "
        "day.|Serve it with bread.|Two people will be full.|Do not hurry this step.]",
        start=start,
        minutes=minutes,
        finish=finish,
    )
    return Exchange(question, answer)


KNOWN_CONVERSATION: tuple[Topic, ...] = (_stain, _letter, _country, _dish)
