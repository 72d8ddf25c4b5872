"""What a sentence says of who, what, how many, where and when: slots of one grammar."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from t2l_fast.tasks.draft import Draft, worded
from t2l_fast.tasks.lexicon import NAMES

Slots = Mapping[str, str]

SENTENCES = 240
"""Sentences in the pool of all tasks."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
_SLOTS: dict[str, tuple[str, ...]] = {
    "name": NAMES,
    "verb": tuple("bought sold found lost painted counted carried packed cleaned needed".split()),
    "number": tuple(str(n) for n in range(2, 12)),
    "colour": tuple("red blue green yellow purple pink brown black white grey".split()),
    "thing": tuple(
        "apples cars books chairs shirts cups hats balls pens bags lamps boots tables plates "
        "bottles doors kites bikes pears rings spoons socks stamps towels".split()
    ),
    "city": tuple(
        "Paris London Berlin Madrid Rome Tokyo Moscow Vienna Dublin Athens Chicago Boston Lisbon "
        "Prague Oslo Cairo Delhi Toronto Sydney Seattle".split()
    ),
    "day": _DAYS,
}
_PATTERNS = (
    "{name} {verb} {number} {colour} {thing} in {city} on {day}.",
    "On {day}, {name} {verb} {number} {colour} {thing} in {city}.",
    "In {city}, {name} {verb} {number} {colour} {thing} on {day}.",
    "On {day} in {city}, {name} {verb} {number} {colour} {thing}.",
    "Last {day} {name} {verb} {number} {colour} {thing} in {city}.",
    "{city}, {day}: {name} {verb} {number} {colour} {thing}.",
)

_TEMPLATES = (
    "Extract {} from the sentence.",
    "What does the sentence give as {}?",
    "You will be given a sentence. Write {}.",
    "Read the sentence and answer with {}.",
    "Please find {} in this sentence.",
    "Information extraction: {}.",
    "From the text, pull out {} and nothing else.",
    "The sentence tells a small story. Report {}.",
    "Can you tell me {} in the given sentence?",
    "A sentence comes in, {} goes out.",
    "I only care about {}; leave out the rest of the sentence.",
    "Return just {}, taken from the statement.",
    "Fill in a form from the sentence: the only field is {}.",
    "Look for {} in a short sentence and copy it to the output.",
    "Somebody did something somewhere. State {}.",
    "sentence -> {}",
    "Output {} that belongs to the sentence.",
    "Given a one-line news item, note down {}.",
)
_EVAL_TEMPLATES = (
    "Reduce the report to {}.",
    "Each message describes an event; your reply should contain only {}.",
    "I would like to know {}, based on the line of text.",
    "parse the event, keep {}",
    "After reading what happened, say {} without further words.",
)
_PHRASES = """
name = the name of the person; the person who did it; the first name of the one acting
number = the number; the quantity as digits; how many things there were, as a number
colour = the colour; the color of the things; the colour word
thing = the kind of things; the objects, without number and colour; the plural noun
city = the city; the place where it happened; the name of the town
weekday = the day of the week; the weekday when it happened; the day it took place
verb = the verb; the action that was done; the action word in the past tense
colour-thing = the colour and the things; the things with their colour in front
number-thing = the number and the things, no colour; the things after their count, colour left out
number-colour = the number followed by the colour; the quantity and then the colour, not the things
verb-thing = the verb and the things, no number or colour; the action followed by the objects only
name-verb = the name followed by the verb; the person and then the action
name-city = the person and the city, with a comma between; the name, a comma, and the place
city-weekday = the city and the weekday, with a comma between; where, a comma, and on which day
weekday-name = the weekday, a colon, and the person; the day and who it was, joined by a colon
thing-number = the things, a colon, and their number; the objects and how many, joined by a colon
name-upper = the person's name in capital letters; the name of who did it, in upper case
city-upper = the city in capital letters; the name of the place, in upper case
thing-upper = the things in capital letters; the plural noun for the objects, in upper case
number-plus-one = the number plus one; the quantity increased by one; the count with one more added
number-in-words = the number spelled out in letters; the quantity as a word instead of digits
weekday-short = the weekday cut to three letters; the abbreviated day, like Mon for Monday
next-day = the weekday after the one mentioned; the day that follows the day of the event
name-initial = the initial of the person; the first letter of the person's name
thing-singular = the things in the singular; one of the objects, a noun without the plural s
"""
"""Task, and how to name what it asks."""

_TASKS: dict[str, Callable[[Slots], str]] = {
    "name": lambda s: s["name"],
    "number": lambda s: s["number"],
    "colour": lambda s: s["colour"],
    "thing": lambda s: s["thing"],
    "city": lambda s: s["city"],
    "weekday": lambda s: s["day"],
    "verb": lambda s: s["verb"],
    "colour-thing": lambda s: f"{s['colour']} {s['thing']}",
    "number-thing": lambda s: f"{s['number']} {s['thing']}",
    "number-colour": lambda s: f"{s['number']} {s['colour']}",
    "verb-thing": lambda s: f"{s['verb']} {s['thing']}",
    "name-verb": lambda s: f"{s['name']} {s['verb']}",
    "name-city": lambda s: f"{s['name']}, {s['city']}",
    "city-weekday": lambda s: f"{s['city']}, {s['day']}",
    "weekday-name": lambda s: f"{s['day']}: {s['name']}",
    "thing-number": lambda s: f"{s['thing']}: {s['number']}",
    "name-upper": lambda s: s["name"].upper(),
    "city-upper": lambda s: s["city"].upper(),
    "thing-upper": lambda s: s["thing"].upper(),
    "number-plus-one": lambda s: str(int(s["number"]) + 1),
    "number-in-words": lambda s: _NUMBERS[int(s["number"]) - 2],
    "weekday-short": lambda s: s["day"][:3],
    "next-day": lambda s: _DAYS[(_DAYS.index(s["day"]) + 1) % 7],
    "name-initial": lambda s: s["name"][0],
    "thing-singular": lambda s: s["thing"][:-1],
}


def sentences() -> dict[str, Slots]:
    """The pool of all tasks: sentence to what stands in its slots."""
    rng = random.Random("extract")
    pool: dict[str, Slots] = {}
    while len(pool) < SENTENCES:
        slots = {slot: rng.choice(words) for slot, words in _SLOTS.items()}
        pool[rng.choice(_PATTERNS).format(**slots)] = slots
    return pool


def tasks() -> list[Draft]:
    """Single slots, pairs of slots, and slots written another way, all over one pool."""
    pool = sentences()
    lines = (line.split(" = ") for line in _PHRASES.strip().splitlines())
    wording = {name: tuple(phrases.split("; ")) for name, phrases in lines}
    return [
        Draft(
            name,
            worded(_TEMPLATES, *phrases),
            worded(_EVAL_TEMPLATES, *phrases),
            {sentence: _TASKS[name](slots) for sentence, slots in pool.items()},
        )
        for name, phrases in wording.items()
    ]
