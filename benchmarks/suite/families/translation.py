"""Translation: numbers, countries and words into a language, and back; needs num2words, babel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.suite.draft import Draft
from benchmarks.suite.grids.translation import cells
from benchmarks.suite.lexicon import interpreting as more
from benchmarks.suite.lexicon.asking import drafts
from benchmarks.suite.lexicon.dictionary import dictionary
from benchmarks.suite.lexicon.nations import nations
from benchmarks.suite.lexicon.sheets import sheets
from benchmarks.suite.lexicon.verbs import verbs

NUMBER_LANGUAGES = {
    "French": "fr",
    "Spanish": "es",
    "German": "de",
    "Italian": "it",
    "Portuguese": "pt",
    "Dutch": "nl",
    "Swedish": "sv",
    "Polish": "pl",
    "Indonesian": "id",
    "Hungarian": "hu",
}
COUNTRY_LANGUAGES = {
    "French": "fr",
    "Spanish": "es",
    "German": "de",
    "Dutch": "nl",
    "Polish": "pl",
    "Czech": "cs",
    "Lithuanian": "lt",
    "Turkish": "tr",
    "Hungarian": "hu",
    **more.COUNTRIES,
}
BACK = ("French", "Spanish", "German", "Italian", "Polish")

_NUMBER = """
number-in-{low}
= the {L} word for the number | the number spelled out in {L} | how the number is said in {L}
> write the number in {L} words | spell the number the way {L} speakers say it
"""
_COUNTRY = """
country-in-{low}
= the {L} name of the country | the country's name in {L} | what {L} speakers call the country
> translate the name of the country into {L} | name the country in {L}
"""
_WORD = """
word-in-{low}
= the {L} translation of the English word | the {L} word with the same meaning | the word in {L}
> translate the English word into {L} | say what the word is called in {L}
"""
_BACK = """
word-from-{low}
= the English translation of the {L} word | the English meaning of the {L} word
= the English equivalent of the word, which is {L}
> translate the {L} word into English | say in English what the word means in {L}
"""


def tasks() -> list[Draft]:
    """Numbers 1 to 99, countries, languages, verbs and everyday words, both ways and across."""
    words = dictionary()
    numbers = {name: _numbers(code) for name, code in NUMBER_LANGUAGES.items()}
    countries = {name: _countries(code) for name, code in COUNTRY_LANGUAGES.items()}
    back = {name: _reversed(words[name], others=_spoken(words, name)) for name in BACK}
    return [
        *_drafts(_NUMBER, ("a number", "a number in digits", "an integer below 100"), numbers),
        *_drafts(_COUNTRY, ("a country", "an English country name"), countries),
        *_drafts(_WORD, ("a word", "an English word"), words),
        *_drafts(_BACK, ("a word", "a foreign word"), back),
        *_more_numbers(numbers),
        *_more_names(countries),
        *_more_words(words),
        *cells(word=words, number=numbers, country=countries, verb=verbs()),
    ]


def _told(sheet: str, pairs: Mapping[str, str], language: str, into: str = "") -> list[Draft]:
    text = sheet.format(low=language.lower(), L=language, into=into.lower(), M=into)
    return [
        d for name, nouns, block, _ in sheets(text) for d in drafts(block, nouns, {name: pairs})
    ]


def _more_numbers(numbers: Mapping[str, Mapping[str, str]]) -> Iterator[Draft]:
    """In further languages, and back into digits."""
    further = {name: _numbers(code) for name, code in more.NUMBERS.items()}
    yield from _drafts(_NUMBER, ("a number", "a number in digits", "an integer below 100"), further)
    for name in more.DIGITS:
        others = {
            word for other in more.DIGITS if other != name for word in numbers[other].values()
        }
        yield from _told(more.DIGITS_SHEET, _reversed(numbers[name], others), name)


def _more_names(countries: Mapping[str, Mapping[str, str]]) -> Iterator[Draft]:
    """Languages in other languages, and countries back into English."""
    from babel import Locale

    english = Locale("en").languages
    for name, code in more.TONGUES.items():
        called = Locale(code).languages
        pairs = {english[tongue]: called[tongue] for tongue in more.TONGUE_CODES.split()}
        yield from _told(more.TONGUE_SHEET, pairs, name)
    for name in (*more.HOME, *more.FURTHER_HOME):
        rivals = more.HOME if name in more.HOME else more.HOME + more.FURTHER_HOME
        others = {c for other in rivals if other != name for c in countries[other].values()}
        yield from _told(more.HOME_SHEET, _reversed(countries[name], others), name)


def _more_words(words: Mapping[str, Mapping[str, str]]) -> Iterator[Draft]:
    """Verbs; words from one foreign language into another, and in other forms."""
    for name, pairs in verbs().items():
        yield from _told(more.VERB_SHEET, pairs, name)
    for source, target in (pair.split() for pair in more.ACROSS.split("; ")):
        english = _reversed(words[source], others=_spoken(words, source))
        pairs = {word: words[target][meaning] for word, meaning in english.items()}
        yield from _told(more.ACROSS_SHEET, pairs, source, target)
    for form, name in (pair.split() for pair in more.FORMED.split("; ")):
        pattern = more.PATTERNS[form]
        pairs = {a: pattern.lstrip("^").format(a, b) for a, b in words[name].items()}
        if pattern.startswith("^"):
            pairs = {word: target.upper() for word, target in pairs.items()}
        yield from _told(more.FORM_SHEETS[form], pairs, name)


def _drafts(
    sheet: str, nouns: tuple[str, ...], pairs: Mapping[str, Mapping[str, str]]
) -> list[Draft]:
    """One draft per language."""
    made = []
    for language, told in pairs.items():
        block = sheet.format(low=language.lower(), L=language)
        name = block.strip().split("\n")[0]
        made += drafts(block, nouns, {name: told})
    return made


def _numbers(code: str) -> dict[str, str]:
    from num2words import num2words

    return {str(number): num2words(number, lang=code) for number in range(1, 100)}


def _countries(code: str) -> dict[str, str]:
    """The countries that are not called as in English."""
    from babel import Locale

    names = Locale(code).territories
    told = {nation.name: names[nation.code] for nation in nations()}
    return {english: name for english, name in told.items() if name != english}


def _spoken(words: Mapping[str, Mapping[str, str]], language: str) -> set[str]:
    """English words, and those of the languages in `BACK` other than this one."""
    foreign = (word for name in BACK if name != language for word in words[name].values())
    return {*words[language], *foreign}


def _reversed(words: Mapping[str, str], others: set[str]) -> dict[str, str]:
    """From the other language to English, without words of two meanings or two languages."""
    known = list(words.values())
    return {
        word: english
        for english, word in words.items()
        if known.count(word) == 1 and word not in others
    }
