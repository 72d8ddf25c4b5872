"""The tasks that stand alone: one per rule."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.letters.grid import grid_drafts
from benchmarks.suite.shared.categories import common_words
from benchmarks.suite.shared.word_rules import WordRule

VOWELS = "aeiou"
MAX_SHORT_WORD = 5


def _vowels(word: str) -> str:
    return "".join(letter for letter in word if letter in VOWELS)


def _consonants(word: str) -> str:
    return "".join(letter for letter in word if letter not in VOWELS)


FUNCTIONS: dict[str, Callable[[str], str]] = {
    "first": lambda w: w[0],
    "last": lambda w: w[-1],
    "second": lambda w: w[1],
    "first-two": lambda w: w[:2],
    "last-two": lambda w: w[-2:],
    "first-three": lambda w: w[:3],
    "last-three": lambda w: w[-3:],
    "length": lambda w: str(len(w)),
    "vowel-count": lambda w: str(len(_vowels(w))),
    "first-kind": lambda w: "vowel" if w[0] in VOWELS else "consonant",
    "last-kind": lambda w: "open" if w[-1] in VOWELS else "closed",
    "size": lambda w: "short" if len(w) <= MAX_SHORT_WORD else "long",
    "first-capital-letter": lambda w: w[0].upper(),
    "vowels-only": _vowels,
    "consonants-only": _consonants,
    "first-and-last": lambda w: w[0] + w[-1],
}
_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
RULES = read_toml(_FOLDER / "rules.toml", dict[str, WordRule], keys=FUNCTIONS)


def tasks() -> list[Draft]:
    """Return one draft per rule, and the grid's, over one pool of words of 4 to 8 letters."""
    words = [w for w in common_words() if 4 <= len(w) <= 8 and w.isalpha() and _vowels(w)]
    pool = random.Random("letters").sample(words, min(240, len(words)))
    drafts = [
        rule.draft(name, TEMPLATES, map_inputs(pool, FUNCTIONS[name]))
        for name, rule in RULES.items()
    ]
    return [*drafts, *grid_drafts(pool)]
