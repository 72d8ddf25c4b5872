"""A fact, and the way in which it is written; facts told in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases
from benchmarks.suite.draft import Draft
from benchmarks.suite.shared.answer_formats import (
    ALONE,
    BESIDE_INPUT,
    Answer,
    formatted_drafts,
    sentence_drafts,
)
from benchmarks.suite.shared.nations import with_article

INPUT_NOUNS = ("a country", "the name of a country", "a country's name")
NAMES = ("capital", "demonym", "language", "continent", "currency")
CODES = ("currency-code", "two-letter-code", "three-letter-code", "domain", "phone-prefix")
FORMATS = ALONE | BESIDE_INPUT
CODE_FORMATS = {name: own for name, own in FORMATS.items() if not own.case}
"""Codes are in capitals anyway, or have no letters."""
SENTENCES = read_toml(Path(__file__).with_name("sentences.toml"), dict[str, str])
_EXCLUDED = ("capital-capitals",)


def grid_drafts(
    facts: Mapping[str, Mapping[str, str]], phrases: Mapping[str, Phrases]
) -> Iterator[Draft]:
    """Yield facts times formats, over the family's pairs and what it calls them."""
    names = {name: Answer.from_phrases(phrases[name], facts[name]) for name in NAMES}
    codes = {name: Answer.from_phrases(phrases[name], facts[name]) for name in CODES}
    yield from formatted_drafts(names, FORMATS, INPUT_NOUNS, 6, _EXCLUDED)
    yield from formatted_drafts(codes, CODE_FORMATS, INPUT_NOUNS, 5, _EXCLUDED)
    yield from sentence_drafts(names | codes, SENTENCES, INPUT_NOUNS, with_article)
