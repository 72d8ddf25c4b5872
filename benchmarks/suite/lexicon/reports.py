"""Sentences of one grammar that report who did what to how many things, where and when."""

from __future__ import annotations

import random
from collections.abc import Mapping

from benchmarks.suite.lexicon.names import NAMES

Slots = Mapping[str, str]

SENTENCES = 240
"""Sentences in a pool."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
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
    "day": DAYS,
}
_PATTERNS = (
    "{name} {verb} {number} {colour} {thing} in {city} on {day}.",
    "On {day}, {name} {verb} {number} {colour} {thing} in {city}.",
    "In {city}, {name} {verb} {number} {colour} {thing} on {day}.",
    "On {day} in {city}, {name} {verb} {number} {colour} {thing}.",
    "Last {day} {name} {verb} {number} {colour} {thing} in {city}.",
    "{city}, {day}: {name} {verb} {number} {colour} {thing}.",
)


def sentences(seed: str = "extract") -> dict[str, Slots]:
    """A pool: sentence to what stands in its slots."""
    rng = random.Random(seed)
    pool: dict[str, Slots] = {}
    while len(pool) < SENTENCES:
        slots = {slot: rng.choice(words) for slot, words in _SLOTS.items()}
        pool[rng.choice(_PATTERNS).format(**slots)] = slots
    return pool
