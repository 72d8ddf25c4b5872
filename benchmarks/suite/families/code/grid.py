"""Case by what is put around the name; separator by the order of the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import FormPhrases, NamedValue, Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.code.forms import fill_form

INPUT_NOUNS = ("a pair of words", "an adjective and a noun", "a phrase of two words")


_FOLDER = Path(__file__).parent
CASES = read_toml(_FOLDER / "cases.toml", dict[str, NamedValue])
CONTEXTS = read_toml(_FOLDER / "contexts.toml", dict[str, FormPhrases])
ORDERS = read_toml(_FOLDER / "orders.toml", dict[str, FormPhrases])
SEPARATORS = read_toml(_FOLDER / "separators.toml", dict[str, NamedValue])
DUPLICATES = {
    *("constant-dollar", "joined-space", "joined-underscore", "joined-hyphen", "joined-dot"),
    *("joined-slash", "joined-semicolon"),
}
"""Cells that the family has under other names, or that change nothing."""


def grid_drafts(pool: Sequence[str]) -> list[Draft]:
    """Return one draft per cell, over phrases of two words."""
    return [
        describe(
            name,
            fill_fields(phrases, fill_form(form, "red apple"), **{field: value}),
            INPUT_NOUNS,
            map_inputs(pool, lambda text, form=form: fill_form(form, text)),
        )
        for name, form, phrases, field, value in (*_names(), *_joined_words())
        if name not in DUPLICATES
    ]


Cell = tuple[str, str, Phrases, str, NamedValue]
"""Name, form, phrases, their field and what fills it."""


def _names() -> Iterator[Cell]:
    for (context, around), (name, case) in product(CONTEXTS.items(), CASES.items()):
        yield f"{name}-{context}", around.form.replace("{x}", case.value), around, "case", case


def _joined_words() -> Iterator[Cell]:
    for (name, separator), (order, words) in product(SEPARATORS.items(), ORDERS.items()):
        form = words.form.replace("{separator}", separator.value)
        yield f"{order}-{name}", form, words, "joined", separator
