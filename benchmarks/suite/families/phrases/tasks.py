"""The tasks that stand alone: one per sentence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, fill_templates, map_inputs
from benchmarks.suite.families.phrases.grid import grid_drafts
from benchmarks.suite.shared.categories import CATEGORIES

MAX_LETTERS = 9
_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
SENTENCES = read_csv(_FOLDER / "sentences.csv", "name", "sentence", "meaning")


def tasks() -> list[Draft]:
    """Return one draft per sentence, and the grid's, over one pool of nouns."""
    words = {word for category in CATEGORIES.values() for word in category.words}
    nouns = sorted(
        word
        for word in words
        if word.islower() and len(word) <= MAX_LETTERS and word[0] not in "aeiou"
    )
    pool = random.Random("phrases").sample(nouns, min(240, len(nouns)))
    drafts = [_draft(name, sentence, meaning, pool) for name, sentence, meaning in SENTENCES]
    return [*drafts, *grid_drafts(pool)]


def _draft(name: str, sentence: str, meaning: str, pool: Sequence[str]) -> Draft:
    blank = f'"{sentence.format("___")}"'
    phrases = (
        f'the sentence "{sentence.format("X")}" with the word in place of X',
        f'{meaning}, worded "{sentence.format("[thing]")}"',
        f"{blank} with the gap filled in",
    )
    return Draft(
        name,
        fill_templates(TEMPLATES.templates, *phrases, f"{blank} around the word"),
        fill_templates(TEMPLATES.eval_templates, *phrases[1:], phrases[0]),
        map_inputs(pool, sentence.format),
    )
