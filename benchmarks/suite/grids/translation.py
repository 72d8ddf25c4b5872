"""translation: words, numbers and countries of a language, written in several ways; dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.suite.draft import Draft
from benchmarks.suite.grids.dressed import dressed
from benchmarks.suite.lexicon.asking import ask, blocks, crossed
from benchmarks.suite.lexicon.fields import without
from benchmarks.suite.lexicon.manners import ALONE, BESIDE

Pairs = Mapping[str, Mapping[str, str]]

CALLED = {
    "word": (
        "the {L} translation of the English word",
        "the {L} word with the same meaning",
        "what the English word is called in {L}",
        "the {L} counterpart of the word",
    ),
    "number": (
        "the {L} word for the number",
        "the number spelled out in {L}",
        "the {L} name of the number",
        "the number as {L} speakers say it",
    ),
    "country": (
        "the {L} name of the country",
        "the country's name in {L}",
        "the {L} word for the country",
        "what {L} speakers call the country",
    ),
    "verb": (
        "the {L} infinitive of the English verb",
        "the {L} verb with the same meaning",
        "what doing so is called in {L}",
        "the verb that speakers of {L} use for it",
    ),
}
NOUNS = {
    "word": ("a word", "an English word"),
    "number": ("a number", "a number in digits", "an integer below 100"),
    "country": ("a country", "an English country name"),
    "verb": ("a verb", "an English verb"),
}
EACH = {"word": 4, "number": 2, "country": 1, "verb": 2}
WAYS = without(ALONE | BESIDE, "small", "html", "bold", "thrice", "sir")
ELSEWHERE = ("word-in-french-capitals",)
DATED = {
    "French": "fr",
    "Spanish": "es",
    "German": "de",
    "Italian": "it",
    "Dutch": "nl",
    "Polish": "pl",
    "Danish": "da",
    "Czech": "cs",
    "Finnish": "fi",
    "Romanian": "ro",
    "Indonesian": "id",
    "Turkish": "tr",
    "Hungarian": "hu",
}
DATE = blocks("""
date
= the date in {L} | the day and the month in {L} | the {L} way to write the date
= the {L} translation of the date
= the calendar entry as {L} speakers write it
> translate the date into {L} | write the day and the month in {L} | say the date in {L}
> put the calendar entry into {L}
""")


def cells(**kinds: Pairs) -> Iterator[Draft]:
    """Languages times ways of writing, for words, numbers and so on; dates in words."""
    for kind, known in kinds.items():
        answers = {
            f"{kind}-in-{name.lower()}": ([say.format(L=name) for say in CALLED[kind]], pairs)
            for name, pairs in known.items()
        }
        yield from dressed(answers, WAYS, NOUNS[kind], EACH[kind], ELSEWHERE)
    for name, code in DATED.items():
        said = crossed(DATE["date"], L=name)
        nouns = ("a date", "a day and a month in English")
        yield ask(f"date-in-{name.lower()}", said, nouns, _dates(code))


def _dates(code: str) -> dict[str, str]:
    """Every day of a leap year, the English one as in "3 May"."""
    from datetime import date, timedelta

    from babel.dates import format_date, format_skeleton

    days = (date(2024, 1, 1) + timedelta(days=n) for n in range(366))
    told = {
        format_date(day, "d MMMM", locale="en"): format_skeleton("MMMMd", day, locale=code)
        for day in days
    }
    if code == "fr":
        return {day: f"1er{date[1:]}" if day[:2] == "1 " else date for day, date in told.items()}
    return told
