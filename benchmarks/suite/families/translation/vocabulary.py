"""What is translated: words and verbs of the tables, and what num2words and babel know."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml
from benchmarks.suite.shared.nations import NATIONS

Pairs = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Languages:
    """Languages by what is translated into them or, if it is read, from them.

    Args:
        named_languages: codes of the languages that have names.
        language_pairs: from which foreign language into which.
        written_words: kind of task and language of words written beside their translation.
        codes: language to its code.
    """

    numbers: tuple[str, ...]
    further_numbers: tuple[str, ...]
    numbers_read: tuple[str, ...]
    countries: tuple[str, ...]
    countries_read: tuple[str, ...]
    further_countries_read: tuple[str, ...]
    words_read: tuple[str, ...]
    languages: tuple[str, ...]
    dates: tuple[str, ...]
    language_pairs: tuple[tuple[str, str], ...]
    written_words: tuple[tuple[str, str], ...]
    named_languages: tuple[str, ...]
    codes: dict[str, str]


def _read_columns(name: str, *languages: str) -> dict[str, dict[str, str]]:
    """Return language to its `{English word: translation}`."""
    rows = read_csv(_FOLDER / name, "English", *languages)
    return {
        language: {row[0]: row[column] for row in rows}
        for column, language in enumerate(languages, start=1)
    }


_FOLDER = Path(__file__).parent
LANGUAGES = read_toml(_FOLDER / "languages.toml", Languages)
WORDS = _read_columns(
    "dictionary.csv",
    *("French", "Spanish", "German", "Italian", "Portuguese", "Dutch", "Swedish", "Polish"),
)
VERBS = _read_columns("verbs.csv", "French", "Spanish", "German", "Italian")


def numbers(language: str) -> dict[str, str]:
    """Return the numbers 1 to 99 in words."""
    from num2words import num2words

    code = LANGUAGES.codes[language]
    return {str(number): num2words(number, lang=code) for number in range(1, 100)}


def countries(language: str) -> dict[str, str]:
    """Return the countries that have another name than in English."""
    from babel import Locale

    names = Locale(LANGUAGES.codes[language]).territories
    pairs = {nation.name: names[nation.code] for nation in NATIONS}
    return {english: name for english, name in pairs.items() if name != english}


def language_names(language: str) -> dict[str, str]:
    """Return the names of languages."""
    from babel import Locale

    english, names = Locale("en").languages, Locale(LANGUAGES.codes[language]).languages
    return {english[code]: names[code] for code in LANGUAGES.named_languages}


def dates(language: str) -> dict[str, str]:
    """Return every day of a leap year, the English one as in "3 May"."""
    from babel.dates import format_date, format_skeleton

    code = LANGUAGES.codes[language]
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(366)]
    pairs = {
        format_date(day, "d MMMM", locale="en"): format_skeleton("MMMMd", day, locale=code)
        for day in days
    }
    if code == "fr":
        return {day: f"1er{text[1:]}" if day[:2] == "1 " else text for day, text in pairs.items()}
    return pairs


def words_to_english(language: str) -> dict[str, str]:
    """Return foreign words that no other language has, English or those of `words_read`."""
    others = {*WORDS[language]}
    for other in LANGUAGES.words_read:
        if other != language:
            others |= {*WORDS[other].values()}
    return reverse(WORDS[language], others)


def reverse(pairs: Pairs, others: Collection[str]) -> dict[str, str]:
    """Return `{output: input}` without outputs of several inputs or among others."""
    known = list(pairs.values())
    return {
        output: source
        for source, output in pairs.items()
        if known.count(output) == 1 and output not in others
    }
