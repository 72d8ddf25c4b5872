"""The tasks that stand alone: one per form."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, fill_templates, map_inputs
from benchmarks.suite.families.code.forms import fill_form
from benchmarks.suite.families.code.grid import grid_drafts
from benchmarks.suite.shared.categories import CATEGORIES

MAX_LETTERS = 7


@dataclass(frozen=True, slots=True)
class Form:
    """How two words are written, two phrases for it, and near-twins' group if there is one."""

    form: str
    phrases: tuple[str, str]
    group: str = ""


_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
FORMS = read_toml(_FOLDER / "forms.toml", dict[str, Form])
ADJECTIVES = read_toml(
    _FOLDER / "adjectives.toml", dict[str, tuple[str, ...]], keys=["adjectives"]
)["adjectives"]
"""Adjectives that no category holds."""


def tasks() -> list[Draft]:
    """Return one draft per form, and the grid's, over one pool of an adjective and a noun each."""
    pool = _adjectives_and_nouns()
    drafts = [_draft(name, form, pool) for name, form in FORMS.items()]
    return [*drafts, *grid_drafts(pool)]


def _draft(name: str, form: Form, pool: list[str]) -> Draft:
    shown = fill_form(form.form, "red apple")
    first, second = form.phrases
    phrases = (first, second, f"{first}, {second}", f'{first} (like "{shown}")')
    like = f'written like "{shown}" for "red apple"'
    return Draft(
        name,
        fill_templates(TEMPLATES.templates, *phrases, like),
        fill_templates(TEMPLATES.eval_templates, *reversed(phrases)),
        map_inputs(pool, lambda text: fill_form(form.form, text)),
        form.group or None,
    )


def _adjectives_and_nouns() -> list[str]:
    words = {word for category in CATEGORIES.values() for word in category.words}
    nouns = sorted(word for word in words if word.islower() and len(word) <= MAX_LETTERS)
    adjectives = [word for word in ADJECTIVES if word.isalpha() and len(word) <= MAX_LETTERS]
    pairs = [f"{a} {b}" for a, b in itertools.product(adjectives, nouns) if a != b]
    return random.Random("code").sample(pairs, 240)
