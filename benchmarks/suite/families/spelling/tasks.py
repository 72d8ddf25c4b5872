"""One task per rule, over one pool of words."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.spelling.spelled_out import spelled_out
from benchmarks.suite.shared.categories import common_words
from benchmarks.suite.shared.word_rules import WordRule

FUNCTIONS: dict[str, Callable[[str], str]] = {
    "upper-case": str.upper,
    "capitalised": str.capitalize,
    "last-capital": lambda w: w[:-1] + w[-1].upper(),
    "spelled-spaces": " ".join,
    "spelled-hyphens": "-".join,
    "spelled-commas": ", ".join,
    "without-first": lambda w: w[1:],
    "without-last": lambda w: w[:-1],
    "reversed": lambda w: w[::-1],
    "first-doubled": lambda w: w[0] + w,
    "last-tripled": lambda w: w + 2 * w[-1],
}
FURTHER_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "first-two-capitals": lambda w: w[:2].upper() + w[2:],
    "last-two-capitals": lambda w: w[:-2] + w[-2:].upper(),
    "ends-capitals": lambda w: w[0].upper() + w[1:-1] + w[-1].upper(),
    "all-but-first-capitals": lambda w: w[0] + w[1:].upper(),
    "all-but-last-capitals": lambda w: w[:-1].upper() + w[-1],
    "vowels-capitals": lambda w: _change_vowels(w, str.upper),
    "alternating-capitals": lambda w: "".join(
        c.upper() if i % 2 == 0 else c for i, c in enumerate(w)
    ),
    "vowels-starred": lambda w: _change_vowels(w, lambda _: "*"),
    "first-blank": lambda w: "_" + w[1:],
    "last-blank": lambda w: w[:-1] + "_",
    "without-ends": lambda w: w[1:-1],
    "without-first-capitals": lambda w: w[1:].upper(),
    "without-last-capitals": lambda w: w[:-1].upper(),
    "last-doubled": lambda w: w + w[-1],
    "reversed-capitals": lambda w: w[::-1].upper(),
    "ends-swapped": lambda w: w[-1] + w[1:-1] + w[0],
    "first-two-swapped": lambda w: w[1] + w[0] + w[2:],
    "first-to-end": lambda w: w[1:] + w[0],
    "last-to-front": lambda w: w[-1] + w[:-1],
}


@dataclass(frozen=True, slots=True)
class FurtherRule:
    """Two phrases for the templates, and one for those to evaluate with."""

    phrases: tuple[str, str]
    eval_phrase: str


_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
RULES = read_toml(_FOLDER / "rules.toml", dict[str, WordRule], keys=FUNCTIONS)
FURTHER_RULES = read_toml(
    _FOLDER / "further_rules.toml", dict[str, FurtherRule], keys=FURTHER_FUNCTIONS
)


def tasks() -> list[Draft]:
    """Return one draft per rule, over one pool of words of 5 to 8 letters."""
    words = [w for w in common_words() if 5 <= len(w) <= 8 and w.isalpha()]
    pool = random.Random("spelling").sample(words, min(240, len(words)))
    drafts = [
        rule.draft(name, TEMPLATES, map_inputs(pool, FUNCTIONS[name]))
        for name, rule in RULES.items()
    ]
    spellings = spelled_out()
    functions = {name: spelling.function for name, spelling in spellings.items()}
    functions |= FURTHER_FUNCTIONS
    for name, rule in (spellings | FURTHER_RULES).items():
        pairs = map_inputs(pool, functions[name])
        drafts.append(TEMPLATES.draft(name, rule.phrases, [rule.eval_phrase], pairs))
    return drafts


def _change_vowels(word: str, change: Callable[[str], str]) -> str:
    return "".join(change(letter) if letter in "aeiou" else letter for letter in word)
