"""Letters at a place by how they are written; what is counted by how the count is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Names, Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft, map_inputs

Rule = Callable[[str], str]

INPUT_NOUNS = ("a word", "one word", "an English word")
PLACES: dict[str, Rule] = {
    "first": lambda w: w[0],
    "second": lambda w: w[1],
    "third": lambda w: w[2],
    "fourth": lambda w: w[3],
    "last": lambda w: w[-1],
    "last-but-one": lambda w: w[-2],
    "first-two": lambda w: w[:2],
    "last-two": lambda w: w[-2:],
    "first-three": lambda w: w[:3],
    "last-three": lambda w: w[-3:],
    "first-and-last": lambda w: w[0] + w[-1],
    "first-four": lambda w: w[:4],
    "last-four": lambda w: w[-4:],
}
STYLES: dict[str, Rule] = {
    "upper": str.upper,
    "dot": lambda s: f"{s}.",
    "twice": lambda s: s + s,
    "hyphen": lambda s: f"{s}-",
    "quotes": lambda s: f'"{s}"',
    "brackets": lambda s: f"({s})",
    "thrice": lambda s: 3 * s,
    "stars": lambda s: f"*{s}*",
}
COUNTED = {
    "letters": "abcdefghijklmnopqrstuvwxyz",
    "vowels": "aeiou",
    "consonants": "bcdfghjklmnpqrstvwxyz",
}
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
MIN_LONG_WORD = 6
"""In shorter words the third letter may be the last but one, and the fourth as well."""
LONG_WORD_PLACES = ("third", "fourth", "last-but-one", "first-four", "last-four")
"""Places that need a long word; the family has no task for them besides the grid's."""

_FOLDER = Path(__file__).parent
PHRASES = read_toml(
    _FOLDER / "grid_phrases.toml", dict[str, Phrases], keys=("bare", "styled", "digits", "words")
)
PLACE_NAMES = read_toml(_FOLDER / "places.toml", dict[str, Names], keys=PLACES)
STYLE_NAMES = read_toml(_FOLDER / "styles.toml", dict[str, Names], keys=STYLES)


def grid_drafts(words: Sequence[str]) -> list[Draft]:
    """Return one draft per cell; some places have the long words only."""
    long = [word for word in words if len(word) >= MIN_LONG_WORD]
    drafts = []
    for name, rule, phrases in (*_letters(), *_counts()):
        pool = long if name.startswith(LONG_WORD_PLACES) else words
        drafts.append(describe(name, phrases, INPUT_NOUNS, map_inputs(pool, rule)))
    return drafts


def _letters() -> Iterator[tuple[str, Rule, Phrases]]:
    for place, take in PLACES.items():
        place_names = PLACE_NAMES[place]
        if place in LONG_WORD_PLACES:
            yield place, take, fill_fields(PHRASES["bare"], place=place_names)
        for style, write in STYLES.items():
            if (place, style) != ("first", "upper"):
                phrases = fill_fields(
                    PHRASES["styled"], place=place_names, style=STYLE_NAMES[style]
                )
                yield f"{place}-{style}", _chain(take, write), phrases


def _counts() -> Iterator[tuple[str, Rule, Phrases]]:
    for kind in COUNTED:
        digits, words = (fill_fields(PHRASES[form], what=kind) for form in ("digits", "words"))
        yield f"{kind}-counted", _count(kind, spelled=False), digits
        yield f"{kind}-counted-in-words", _count(kind, spelled=True), words


def _chain(take: Rule, write: Rule) -> Rule:
    return lambda word: write(take(word))


def _count(kind: str, spelled: bool) -> Rule:
    def count(word: str) -> str:
        number = sum(letter in COUNTED[kind] for letter in word)
        noun = kind.removesuffix("s") if number == 1 else kind
        return f"{NUMBER_WORDS[number] if spelled else number} {noun}"

    return count
