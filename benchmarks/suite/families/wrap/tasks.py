"""The tasks that stand alone: one per mark."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, fill_templates, map_inputs
from benchmarks.suite.families.wrap.grid import grid_drafts
from benchmarks.suite.shared.categories import common_words

_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
MARKS = read_csv(
    _FOLDER / "marks.csv",
    *("name", "before", "after", "phrase", "second_phrase", "group"),
    optional=("before", "after", "group"),
)


def tasks() -> list[Draft]:
    """Return one draft per mark, and the grid's, over one pool of words."""
    words = [word for word in common_words() if 3 <= len(word) <= 9 and word.isalpha()]
    pool = random.Random("wrap").sample(words, min(240, len(words)))
    return [*(_draft(row, pool) for row in MARKS), *grid_drafts(pool)]


def _draft(row: Sequence[str], pool: Sequence[str]) -> Draft:
    name, before, after, first, second, group = row
    shown = f"{before}word{after}"
    phrases = (
        f"the word {first}",
        f"the input {second}, like {shown}",
        f"the given word {first} ({shown})",
    )
    return Draft(
        name,
        fill_templates(TEMPLATES.templates, *phrases, f"{shown} with the input instead of word"),
        fill_templates(TEMPLATES.eval_templates, *reversed(phrases)),
        map_inputs(pool, lambda word: f"{before}{word}{after}"),
        group or None,
    )
