"""The tasks that stand alone: both ways between English and a language, and across."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft
from benchmarks.suite.families.translation.grid import grid_drafts
from benchmarks.suite.families.translation.vocabulary import (
    LANGUAGES,
    VERBS,
    WORDS,
    Pairs,
    countries,
    dates,
    language_names,
    numbers,
    reverse,
    words_to_english,
)


@dataclass(frozen=True, slots=True)
class Kind(Phrases):
    """How to ask for tasks of a kind, their name, and what an input may be called."""

    task: str
    input_nouns: tuple[str, ...]

    def draft(self, pairs: Pairs, language: str, target: str = "") -> Draft:
        """Return the draft for a language, or for two foreign ones."""
        name = self.task.format(language=language.lower(), target=target.lower())
        phrases = fill_fields(self, language=language, target=target)
        return describe(name, phrases, self.input_nouns, pairs)


WRITERS: dict[str, Callable[[str, str], str]] = {
    "capitals": lambda word, translation: translation.upper(),
    "equation": lambda word, translation: f"{word} = {translation}",
    "brackets": lambda word, translation: f"{word} ({translation})",
}
KINDS = read_toml(
    Path(__file__).with_name("phrases.toml"),
    dict[str, Kind],
    keys=(
        *("number", "number-from", "country", "country-from", "word", "word-from"),
        *("language", "verb", "across", "date", *WRITERS),
    ),
)


def tasks() -> list[Draft]:
    """Return the drafts of the family, the grid's before the dates."""
    number_words = {language: numbers(language) for language in LANGUAGES.numbers}
    country_names = {language: countries(language) for language in LANGUAGES.countries}
    further = {language: numbers(language) for language in LANGUAGES.further_numbers}
    names = {language: language_names(language) for language in LANGUAGES.languages}
    back = {language: words_to_english(language) for language in LANGUAGES.words_read}
    grid = grid_drafts(
        {"word": WORDS, "number": number_words, "country": country_names, "verb": VERBS}
    )
    return [
        *_into_each("number", number_words),
        *_into_each("country", country_names),
        *_into_each("word", WORDS),
        *_into_each("word-from", back),
        *_into_each("number", further),
        *_numbers_read(number_words),
        *_into_each("language", names),
        *_countries_read(country_names),
        *_into_each("verb", VERBS),
        *_across(),
        *_written_words(),
        *grid,
        *_into_each("date", {language: dates(language) for language in LANGUAGES.dates}),
    ]


def _into_each(kind: str, pairs: Mapping[str, Pairs]) -> Iterator[Draft]:
    return (KINDS[kind].draft(own, language) for language, own in pairs.items())


def _numbers_read(number_words: Mapping[str, Pairs]) -> Iterator[Draft]:
    for language in LANGUAGES.numbers_read:
        others = _outputs_of_others(number_words, language, LANGUAGES.numbers_read)
        yield KINDS["number-from"].draft(reverse(number_words[language], others), language)


def _countries_read(country_names: Mapping[str, Pairs]) -> Iterator[Draft]:
    first, further = LANGUAGES.countries_read, LANGUAGES.further_countries_read
    for language in first + further:
        rivals = first if language in first else first + further
        others = _outputs_of_others(country_names, language, rivals)
        yield KINDS["country-from"].draft(reverse(country_names[language], others), language)


def _outputs_of_others(
    pairs: Mapping[str, Pairs], language: str, rivals: tuple[str, ...]
) -> set[str]:
    return {text for other in rivals if other != language for text in pairs[other].values()}


def _across() -> Iterator[Draft]:
    for source, target in LANGUAGES.language_pairs:
        english = words_to_english(source)
        pairs = {word: WORDS[target][meaning] for word, meaning in english.items()}
        yield KINDS["across"].draft(pairs, source, target)


def _written_words() -> Iterator[Draft]:
    for kind, language in LANGUAGES.written_words:
        write = WRITERS[kind]
        pairs = {word: write(word, text) for word, text in WORDS[language].items()}
        yield KINDS[kind].draft(pairs, language)
