"""Mark by place; brackets by width; endings; tags; words before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import (
    FormPhrases,
    HasNames,
    NamedValue,
    Names,
    Phrases,
    describe,
    fill_fields,
)
from benchmarks.suite.draft import Draft, map_inputs

INPUT_NOUNS = ("a word", "one word", "an English word")


@dataclass(frozen=True, slots=True)
class Words:
    """Words to put before and after, and what either is called."""

    first_words: tuple[str, ...]
    last_words: tuple[str, ...]
    first: Names
    last: Names


_FOLDER = Path(__file__).parent
MARKS = read_toml(_FOLDER / "grid_marks.toml", dict[str, NamedValue])
PLACES = read_toml(_FOLDER / "places.toml", dict[str, FormPhrases])
BRACKETS = read_toml(_FOLDER / "brackets.toml", dict[str, NamedValue])
WIDTHS = read_toml(_FOLDER / "widths.toml", dict[str, FormPhrases])
ENDINGS = read_toml(_FOLDER / "endings.toml", dict[str, NamedValue])
TAGS = read_toml(_FOLDER / "tags.toml", dict[str, NamedValue])
WORDS = read_toml(_FOLDER / "words.toml", Words)
PHRASES = read_toml(
    _FOLDER / "grid_phrases.toml", dict[str, Phrases], keys=("ending", "tag", "word")
)
DUPLICATES = {
    *("dollar-both", "percent-both", "plus-both", "colon-both", "slash-both", "pipe-both"),
    *("asterisk-both", "underscore-both", "tilde-both", "equals-both", "hyphen-both"),
    *("asterisk-double", "hash-before", "at-before"),
    *("exclamation-after", "question-after", "semicolon-after", "square-double"),
    *("square-single", "round-single", "curly-single", "angle-single"),
}
"""Cells that the family has under other names."""

Cell = tuple[str, str, Phrases, HasNames]
"""Name, form, phrases and what fills their field {mark}."""


def grid_drafts(words: Sequence[str]) -> list[Draft]:
    """Return one draft per cell."""
    return [
        describe(
            name,
            fill_fields(phrases, mark=mark),
            INPUT_NOUNS,
            map_inputs(words, lambda word, form=form: fill_form(form, word)),
        )
        for name, form, phrases, mark in (*_marks(), *_brackets(), *_markup(), *_words())
        if name not in DUPLICATES
    ]


def fill_form(form: str, word: str) -> str:
    """Put the word into its place {w}; braces of the form's own stay."""
    return form.replace("{w}", word)


def _marks() -> Iterator[Cell]:
    for (name, mark), (place, own) in product(MARKS.items(), PLACES.items()):
        yield f"{name}-{place}", own.form.replace("{m}", mark.value), own, mark


def _brackets() -> Iterator[Cell]:
    for (name, pair), (width, own) in product(BRACKETS.items(), WIDTHS.items()):
        opening, closing = pair.value
        form = own.form.replace("{o}", opening).replace("{c}", closing)
        yield f"{name}-{width}", form, own, pair


def _markup() -> Iterator[Cell]:
    for name, ending in ENDINGS.items():
        yield f"{name}-name", f"{{w}}{ending.value}", PHRASES["ending"], ending
    for name, tag in TAGS.items():
        yield f"html-{name}", f"<{tag.value}>{{w}}</{tag.value}>", PHRASES["tag"], tag


def _words() -> Iterator[Cell]:
    """Yield one word before, one after, then one on each side."""
    phrases = PHRASES["word"]
    for first in WORDS.first_words:
        yield f"word-{first}", f"{first} {{w}}", phrases, _fill_names(WORDS.first, first=first)
    for last in WORDS.last_words:
        yield f"word-{last}", f"{{w}} {last}", phrases, _fill_names(WORDS.last, last=last)
    both = Names(
        tuple(f"{a} and {b}" for a, b in zip(WORDS.first.names, WORDS.last.names, strict=True)),
        f"{WORDS.first.eval_name} and {WORDS.last.eval_name}",
    )
    for first, last in product(WORDS.first_words, WORDS.last_words):
        names = _fill_names(both, first=first, last=last)
        yield f"word-{first}-{last}", f"{first} {{w}} {last}", phrases, names


def _fill_names(names: Names, **words: str) -> Names:
    filled = tuple(name.format(**words) for name in names.names)
    return Names(filled, names.eval_name.format(**words))
