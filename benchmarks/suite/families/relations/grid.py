"""A relation, and the way in which its answer is written; relations in a sentence."""

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
    without,
)
from benchmarks.suite.shared.nations import with_article

INPUT_NOUNS = ("a word or a name", "a term", "a single expression")
FORMATTED = (
    *("antonym", "synonym", "female", "american-spelling", "workplace", "tool", "colour"),
    *("material", "room", "animal-young", "animal-sound", "animal-home", "animal-group"),
    *("capital-to-country", "demonym-to-country", "state-abbreviation", "element-symbol"),
    *("male", "symbol-to-element", "abbreviation-to-state", "use", "whole", "shop", "homophone"),
    *("city-country", "dish-country", "state-capital"),
)
"""Relations whose answers are written in further formats."""
FORMATS = without(ALONE | BESIDE_INPUT, "small", "sir")
SENTENCES = read_toml(Path(__file__).with_name("sentences.toml"), dict[str, str])
_EXCLUDED = ("antonym-capitals", "state-abbreviation-capitals")


def grid_drafts(
    pairs: Mapping[str, Mapping[str, str]], phrases: Mapping[str, Phrases]
) -> Iterator[Draft]:
    """Yield relations times formats, over the family's pairs and what it calls them."""
    formatted = {name: Answer.from_phrases(phrases[name], pairs[name]) for name in FORMATTED}
    yield from formatted_drafts(formatted, FORMATS, INPUT_NOUNS, 2, _EXCLUDED)
    answers = {name: Answer.from_phrases(phrases[name], pairs[name]) for name in SENTENCES}
    name = "capital-to-country"
    countries = {city: with_article(country) for city, country in pairs[name].items()}
    answers[name] = Answer.from_phrases(phrases[name], countries)
    yield from sentence_drafts(answers, SENTENCES, INPUT_NOUNS)
