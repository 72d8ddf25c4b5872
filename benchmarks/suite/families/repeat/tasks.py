"""One task per number of copies and separator."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.shared.categories import common_words


@dataclass(frozen=True, slots=True)
class Repetition:
    """Number of copies, what stands between them, and two phrases for that."""

    copies: int
    phrases: tuple[str, str]
    separator: str = ""


_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
REPETITIONS = read_toml(_FOLDER / "repetitions.toml", dict[str, Repetition])
COPY_NAMES = read_toml(_FOLDER / "copy_names.toml", dict[str, tuple[str, str, str]])


def tasks() -> list[Draft]:
    """Return one draft per repetition, over one pool of words of at most 8 letters."""
    words = [word for word in common_words() if 3 <= len(word) <= 8 and word.isalpha()]
    pool = random.Random("repeat").sample(words, min(240, len(words)))
    return [_draft(name, repetition, pool) for name, repetition in REPETITIONS.items()]


def _draft(name: str, repetition: Repetition, pool: list[str]) -> Draft:
    copies, other_copies, further_copies = COPY_NAMES[str(repetition.copies)]
    joined, other_joined = repetition.phrases
    phrases = (
        f"{copies}, {joined}",
        f"{other_copies} {other_joined}",
        f"{further_copies} ({joined})",
        f"{copies}, {other_joined}",
    )
    pairs = map_inputs(pool, lambda word: repetition.separator.join([word] * repetition.copies))
    return TEMPLATES.draft(name, phrases, phrases[::-1], pairs)
