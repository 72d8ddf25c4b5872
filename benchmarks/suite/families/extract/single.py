"""What the tasks with a function of their own answer: one field, two fields, or a change."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.suite.families.extract.sentences import PARTS, Fields

_DAYS = PARTS.fields["day"]

FUNCTIONS: dict[str, Callable[[Fields], str]] = {
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
    "number-in-words": lambda s: PARTS.number_words[int(s["number"]) - 2],
    "weekday-short": lambda s: s["day"][:3],
    "next-day": lambda s: _DAYS[(_DAYS.index(s["day"]) + 1) % 7],
    "name-initial": lambda s: s["name"][0],
    "thing-singular": lambda s: s["thing"][:-1],
}
