"""What is translated into which language, by the format in which it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Names
from benchmarks.suite.draft import Draft
from benchmarks.suite.families.translation.vocabulary import Pairs
from benchmarks.suite.shared.answer_formats import (
    ALONE,
    BESIDE_INPUT,
    Answer,
    formatted_drafts,
    without,
)


@dataclass(frozen=True, slots=True)
class Translated(Names):
    """What a translation is called, and how many formats each language has."""

    formats: int
    input_nouns: tuple[str, ...]


TRANSLATED = read_toml(
    Path(__file__).with_name("grid.toml"),
    dict[str, Translated],
    keys=("word", "number", "country", "verb"),
)
FORMATS = without(ALONE | BESIDE_INPUT, "small", "html", "bold", "thrice", "sir")
DUPLICATES = ("word-in-french-capitals",)
"""A cell that the family has under another name."""


def grid_drafts(pairs: Mapping[str, Mapping[str, Pairs]]) -> Iterator[Draft]:
    """Yield one draft per kind, language and format.

    Args:
        pairs: kind to language to what is translated.
    """
    for kind, own in TRANSLATED.items():
        answers = {
            f"{kind}-in-{language.lower()}": Answer(
                [name.format(language=language) for name in own.names],
                own.eval_name.format(language=language),
                translations,
            )
            for language, translations in pairs[kind].items()
        }
        yield from formatted_drafts(answers, FORMATS, own.input_nouns, own.formats, DUPLICATES)
