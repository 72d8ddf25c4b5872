"""Sentences of two sorts, how to call the sorts, and labels for them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product

from benchmarks.suite.lexicon.sorts import SORTS

ANYWHERE = (
    ("A", "B"),
    ("1", "2"),
    ("yes", "no"),
    ("true", "false"),
    ("left", "right"),
    ("X", "O"),
    ("up", "down"),
    ("red", "blue"),
    ("on", "off"),
    ("black", "white"),
    ("cat", "dog"),
    ("hot", "cold"),
    ("0", "1"),
    ("sun", "moon"),
    ("day", "night"),
    ("high", "low"),
    ("in", "out"),
    ("north", "south"),
    ("heads", "tails"),
    ("alpha", "beta"),
    ("tea", "coffee"),
    ("gold", "silver"),
    ("foo", "bar"),
    ("open", "closed"),
)
"""Labels that fit any distinction."""
_STEPS = (0, 1, 3, 7, 12, 21)
"""Between the labels of a distinction; few distances recur, so that each meets many others."""
SENTENCES = 75
"""Sentences of each sort at most."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Two sorts of sentences, ways to call each (the last to evaluate with), label pairs."""

    sentences: dict[str, bool]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]


def _filled(name: str, patterns: str, words: dict[str, list[str]]) -> list[str]:
    made = [
        pattern.format(**dict(zip(words, chosen, strict=True)))
        for pattern in patterns.split(" | ")
        for chosen in product(*words.values())
    ]
    made = [text[0].upper() + text[1:] for text in dict.fromkeys(made)]
    random.Random(f"labels {name}").shuffle(made)
    return made[:SENTENCES]


def _recurring(i: int) -> tuple[tuple[str, str], ...]:
    """Up to eight pairs of `ANYWHERE` for the i-th distinction."""
    chosen = (2 * i % 8, (2 * i + 1 + 2 * (i // 4)) % 8)
    spread = ((7 * i + step) % len(ANYWHERE) for step in _STEPS)
    return tuple(ANYWHERE[k] for k in dict.fromkeys((*chosen, *spread)))


def judgements() -> dict[str, Judgement]:
    """Distinctions; each has labels of its own and pairs that others have too."""
    made: dict[str, Judgement] = {}
    for i, block in enumerate(SORTS.strip().replace("\n  ", " ").split("\n\n")):
        name, labels, yes, no, right, wrong, *fillers = block.splitlines()
        words = {filler[0]: filler[3:].split() for filler in fillers}
        own = [pair.split("/") for pair in labels.removeprefix("labels: ").split(" ")]
        made[name] = Judgement(
            dict.fromkeys(_filled(name, right[2:], words), True)
            | dict.fromkeys(_filled(name, wrong[2:], words), False),
            tuple(yes.removeprefix("yes: ").split("; ")),
            tuple(no.removeprefix("no: ").split("; ")),
            (*((first, second) for first, second in own), *_recurring(i)),
        )
    return made
