"""letters: which letters and how they are dressed; what is counted and how that is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.lexicon.asking import Said, ask, blocks, crossed
from benchmarks.suite.lexicon.dresses import DRESSES
from benchmarks.suite.lexicon.places import PLACES

NOUNS = ("a word", "one word", "an English word")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
LONG = 6
"""In shorter words the third letter may be the last but one, and the fourth as well."""
BARE = ("third", "fourth", "last-but-one", "first-four", "last-four")
"""The family has the other places without a dress; these need a long word."""
COUNTED = {
    "letters": "abcdefghijklmnopqrstuvwxyz",
    "vowels": "aeiou",
    "consonants": "bcdfghjklmnpqrstvwxyz",
}
SAID = blocks("""
bare
= {place} of the word | only {place} of the word | {place} in the word
= {place} of the word and no more
= what stands there as {place}
> pick {place} of the word | keep only {place} | copy {place} from the word
> take the word and return {place}
> find {place} and report it

dressed
= {place} of the word, {dress} | only {place}, {dress} | {place} in the word {dress}
= nothing of the word but {place}, {dress}
= what stands there as {place}, {dress}
> write {place} of the word {dress} | keep only {place}, {dress} | give {place} {dress}
> take {place} from the word and write that {dress}
> find {place} and report that, {dress}

digits
= the number of {what} in digits, such as 3 {what}
= the count of {what} in digits, with the word {what}
= the total of {what} as a figure, such as 3 {what}
= how many {what} there are, in digits such as 3 {what}
> count the {what} in digits, as in 3 {what}
> count the {what} and answer with a figure, like 3 {what}
> write the number of {what} in digits and the word {what}
> tell how many {what} there are, in digits like 3 {what}

words
= the number of {what} spelled in words, such as three {what}
= the count of {what} spelled in words, with the word {what}
= the total of {what} without digits, such as three {what}
= how many {what} there are, spelled in words such as three {what}
> count the {what} in words, as in three {what}
> count the {what} and answer without digits, like three {what}
> spell the number of {what} in words and add the word {what}
> tell how many {what} there are, spelled in words like three {what}
""")


Rule = Callable[[str], str]


def _count(kind: str, spelled: bool) -> Rule:
    among = COUNTED[kind]

    def told(word: str) -> str:
        count = sum(letter in among for letter in word)
        return f"{NUMBERS[count] if spelled else count} {kind if count != 1 else kind[:-1]}"

    return told


Called = Mapping[str, str | Sequence[str]]


def _cells() -> Iterator[tuple[str, Rule, Said, Called]]:
    """Name, what becomes of a word, phrases with fields, what their values are called."""
    for place, (take, placed) in PLACES.items():
        if place in BARE:
            yield place, take, SAID["bare"], {"place": placed}
        for dress, (put, dressed) in DRESSES.items():
            if (place, dress) != ("first", "upper"):
                called = {"place": placed, "dress": dressed}
                yield f"{place}-{dress}", _both(take, put), SAID["dressed"], called
    for kind in COUNTED:
        yield f"{kind}-counted", _count(kind, False), SAID["digits"], {"what": kind}
        yield f"{kind}-counted-in-words", _count(kind, True), SAID["words"], {"what": kind}


def _both(take: Rule, put: Rule) -> Rule:
    return lambda word: put(take(word))


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's words."""
    long = [word for word in pool if len(word) >= LONG]
    return [
        ask(
            name,
            crossed(said, **called),
            NOUNS,
            mapped(long if name.startswith(BARE) else pool, rule),
        )
        for name, rule, said, called in _cells()
    ]
