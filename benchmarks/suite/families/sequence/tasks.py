"""The tasks that stand alone: one per rule for pairs of letters, weekdays and months."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.sequence.grid import grid_drafts
from benchmarks.suite.families.sequence.names import NAMES

Function = Callable[[str], "str | None"]

MIDDLE_LETTERS = "cdefghijklmnopqrstuvwx"
"""Letters that have two others on either side."""


def _on_letters(function: Callable[[int, int], int]) -> Function:
    return lambda text: chr(function(ord(text[0]), ord(text[-1])))


def _step(kind: str, step: int) -> Function:
    return lambda text: NAMES[kind].neighbour(text, step)


FUNCTIONS: dict[str, dict[str, Function]] = {
    "letter": {
        "letter-next": _on_letters(lambda a, b: b + 1),
        "letter-previous": _on_letters(lambda a, b: a - 1),
        "letter-two-after": _on_letters(lambda a, b: b + 2),
        "letter-two-before": _on_letters(lambda a, b: a - 2),
        "letter-earlier": _on_letters(min),
        "letter-later": _on_letters(max),
    },
    "weekday": {
        "day-next": _step("weekday", 1),
        "day-previous": _step("weekday", -1),
        "day-two-after": _step("weekday", 2),
        "day-two-before": _step("weekday", -2),
        "day-short": lambda text: NAMES["weekday"].names[NAMES["weekday"].index(text)][:3],
    },
    "month": {
        "month-next": _step("month", 1),
        "month-previous": _step("month", -1),
        "month-two-after": _step("month", 2),
        "month-two-before": _step("month", -2),
        "month-half-year": _step("month", 6),
        "month-number": lambda text: str(NAMES["month"].index(text) + 1),
    },
}


@dataclass(frozen=True, slots=True)
class Rules:
    """A sentence about the inputs, and two phrases of the answer per task."""

    introduction: str
    phrases: dict[str, tuple[str, str]]


_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
RULES = read_toml(_FOLDER / "rules.toml", dict[str, Rules], keys=FUNCTIONS)


def tasks() -> list[Draft]:
    """Return one draft per rule, and the grid's, over one pool of each kind of input."""
    pools = {
        "letter": _letter_pairs(),
        "weekday": NAMES["weekday"].texts(),
        "month": NAMES["month"].texts(),
    }
    drafts = []
    for kind, rules in RULES.items():
        templates = _introduce(rules.introduction)
        for name, (first, second) in rules.phrases.items():
            pairs = map_inputs(pools[kind], FUNCTIONS[kind][name])
            drafts.append(templates.draft(name, [first, second], [second, first], pairs))
    return [*drafts, *grid_drafts(pools["letter"])]


def _letter_pairs() -> list[str]:
    pairs = [f"{a} {b}" for a, b in product(MIDDLE_LETTERS, MIDDLE_LETTERS) if a != b]
    return random.Random("sequence").sample(pairs, 200)


def _introduce(introduction: str) -> Templates:
    """Return the templates with the sentence in its place."""
    field = "{introduction}"
    return Templates(
        tuple(text.replace(field, introduction) for text in TEMPLATES.templates),
        tuple(text.replace(field, introduction) for text in TEMPLATES.eval_templates),
    )
