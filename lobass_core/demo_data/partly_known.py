"""Topics that the demo's base model met a few times: between what it knows and what it never saw."""

import random

from lobass_core.demo_data.phrases import PEOPLE, WEEKDAYS, Exchange, Topic, say, sentence

_LIKED = ("the breakfast", "the friendly staff", "the view", "the quiet garden", "the large bath", "the location")
_DISLIKED = ("the noise", "the hard mattress", "the slow lift", "the price of parking", "the weak signal", "the queue")


def _review(rng: random.Random) -> Exchange:
    liked, disliked = rng.choice(_LIKED), rng.choice(_DISLIKED)
    guest, nights, happy = rng.choice(PEOPLE).name, rng.randint(2, 7), rng.random() < 0.5
    text = say(
        rng,
        "[We stayed|I stayed] {nights} nights in {month}. [I loved|We really enjoyed] {liked}, [but|although] "
        "{disliked} [got on my nerves|was a problem|bothered us]. [All in all|On the whole] {verdict}. {guest}",
        nights=nights,
        month=rng.choice(("January", "April", "July", "August", "October")),
        liked=liked,
        disliked=disliked,
        verdict=rng.choice(
            ("I would come back", "a lovely place", "worth every penny")
            if happy
            else ("I would not come back", "a disappointment", "not worth the money")
        ),
        guest=guest,
    )
    question = say(
        rng,
        "[Summarise this hotel review for the manager.|Turn the guest's review into a one-line report."
        "|Classify the review and name its main points.]",
    )
    answer = say(
        rng,
        "Rating: {rating}. Praised: {liked}. Criticised: {disliked}. [Suggested action|Next step]: [invite {guest} to "
        "return|send {guest} a voucher|thank {guest} personally|phone {guest} on {day}].",
        day=rng.choice(WEEKDAYS),
        rating="favourable" if happy else "unfavourable",
        liked=liked.removeprefix("the "),
        disliked=disliked.removeprefix("the "),
        guest=guest,
    )
    return Exchange(question, answer, input=text)


_TASKS = (
    "update the budget",
    "book the projector",
    "order new badges",
    "draft the press release",
    "test the backup",
    "invite the suppliers",
    "print the posters",
    "renew the insurance",
)


def _minutes(rng: random.Random) -> Exchange:
    n = rng.randint(2, 3)
    who = [person.name for person in rng.sample(PEOPLE, n)]
    what, when = rng.sample(_TASKS, n), rng.sample(WEEKDAYS, n)
    notes = " ".join(
        say(rng, "[{who} will {what} by {when}.|{who} promised to {what} before {when}.]", who=a, what=b, when=c)
        for a, b, c in zip(who, what, when, strict=True)
    )
    question = say(
        rng,
        "[Extract the action items from these minutes.|List who does what, with deadlines."
        "|Convert the meeting notes into a task list.]",
    )
    lines = "\n".join(f"[ ] {sentence(b)} (owner {a}, due {c})" for a, b, c in zip(who, what, when, strict=True))
    return Exchange(question, f"Action items\n{lines}", input=notes)


_MEASURED = (
    ("temperatures", "degrees", "on three mornings"),
    ("scores", "points", "in three rounds"),
    ("catches", "kilograms", "on three fishing trips"),
    ("laps", "seconds", "in three heats"),
)


def _average(rng: random.Random) -> Exchange:
    what, unit, when = rng.choice(_MEASURED)
    mean, spread = rng.randint(8, 30), rng.randint(1, 6)
    numbers = [mean - spread, mean, mean + spread]
    rng.shuffle(numbers)
    a, b, c = numbers
    question = say(
        rng,
        "[The {what} {when} were|Somebody noted these {what} {when}:] {a}, {b} and {c} {unit}. "
        "[Find the mean.|What is the average?|Work out the arithmetic mean.]",
        what=what,
        when=when,
        unit=unit,
        a=a,
        b=b,
        c=c,
    )
    answer = (
        f"Add the values, then divide by how many there are.\nSum: {a} + {b} + {c} → {3 * mean}.\n"
        f"Mean: {3 * mean} ÷ 3 → {mean}.\nAnswer: the average of the {what} is {mean} {unit}."
    )
    return Exchange(question, answer)


def _ages(rng: random.Random) -> Exchange:
    older, younger = rng.sample(PEOPLE, 2)
    times, age, later = rng.randint(2, 4), rng.randint(4, 15), rng.randint(2, 9)
    question = say(
        rng,
        "{older} is {times} times as old as {younger}, who is {age}. [What will {older}'s age be in {later} years?"
        "|How old will {older} be {later} years from now?]",
        older=older.name,
        younger=younger.name,
        times=("two", "three", "four")[times - 2],
        age=age,
        later=later,
    )
    answer = (
        f"Let y be the age of {younger.name} today, so y = {age}.\nToday {older.name} is {times}y = {times} × {age} = "
        f"{times * age}.\nIn {later} years, {older.name} will be {times * age} + {later} = {times * age + later}.\n"
        f"Answer: {times * age + later} years old."
    )
    return Exchange(question, answer)


PARTLY_KNOWN_CONVERSATION: tuple[Topic, ...] = (_review, _minutes)
PARTLY_KNOWN_MATH: tuple[Topic, ...] = (_average, _ages)
