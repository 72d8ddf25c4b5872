"""letters: which letters and how they are dressed; what is counted and how that is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed

NOUNS = ("a word", "one word", "an English word")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
LONG = 6
"""In shorter words the third letter may be the last but one, and the fourth as well."""

Rule = Callable[[str], str]

# name: the letters, what they are called; the last for evaluation
PLACES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "first": (lambda w: w[0], ("the first letter", "the initial letter", "the very first letter")),
    "second": (
        lambda w: w[1],
        ("the second letter", "the 2nd letter", "the letter in second place"),
    ),
    "third": (lambda w: w[2], ("the third letter", "the 3rd letter", "the letter in third place")),
    "fourth": (
        lambda w: w[3],
        ("the fourth letter", "the 4th letter", "the letter in fourth place"),
    ),
    "last": (lambda w: w[-1], ("the last letter", "the final letter", "the very last letter")),
    "last-but-one": (
        lambda w: w[-2],
        (
            "the second-to-last letter",
            "the penultimate letter",
            "the penultimate, second-to-last letter",
        ),
    ),
    "first-two": (
        lambda w: w[:2],
        ("the first two letters", "the starting two letters", "the first two characters"),
    ),
    "last-two": (
        lambda w: w[-2:],
        ("the last two letters", "the ending two letters", "the last two characters"),
    ),
    "first-three": (
        lambda w: w[:3],
        ("the first three letters", "the starting three letters", "the first three characters"),
    ),
    "last-three": (
        lambda w: w[-3:],
        ("the last three letters", "the ending three letters", "the last three characters"),
    ),
    "first-and-last": (
        lambda w: w[0] + w[-1],
        ("the first and last letters", "both outermost letters", "the first plus the last letter"),
    ),
}
DRESSES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "upper": (str.upper, ("in upper case", "capitalised", "in upper-case capitals")),
    "dot": (
        lambda s: f"{s}.",
        ("with a full stop", "with a dot behind", "with a dot, a full stop"),
    ),
    "twice": (lambda s: s + s, ("written twice in a row", "doubled", "doubled, twice in a row")),
    "hyphen": (lambda s: f"{s}-", ("with a hyphen", "with a dash behind", "with a hyphen, a dash")),
}
BARE = ("third", "fourth", "last-but-one")
"""The family has the other places without a dress."""
COUNTED = {
    "letters": "abcdefghijklmnopqrstuvwxyz",
    "vowels": "aeiou",
    "consonants": "bcdfghjklmnpqrstvwxyz",
}
SAID = blocks("""
bare
= {place} of the word | only {place} of the word | {place} in the word
= what stands there as {place}
> pick {place} of the word | keep only {place} | copy {place} from the word
> find {place} and report it

dressed
= {place} of the word, {dress} | only {place}, {dress} | {place} in the word {dress}
= what stands there as {place}, {dress}
> write {place} of the word {dress} | keep only {place}, {dress} | give {place} {dress}
> find {place} and report that, {dress}

digits
= the number of {what} in digits, such as 3 {what}
= the count of {what} in digits, with the word {what}
= how many {what} there are, in digits such as 3 {what}
> count the {what} in digits, as in 3 {what}
> write the number of {what} in digits and the word {what}
> tell how many {what} there are, in digits like 3 {what}

words
= the number of {what} spelled in words, such as three {what}
= the count of {what} spelled in words, with the word {what}
= how many {what} there are, spelled in words such as three {what}
> count the {what} in words, as in three {what}
> spell the number of {what} in words and add the word {what}
> tell how many {what} there are, spelled in words like three {what}
""")


def _count(kind: str, spelled: bool) -> Rule:
    among = COUNTED[kind]

    def told(word: str) -> str:
        count = sum(letter in among for letter in word)
        return f"{NUMBERS[count] if spelled else count} {kind if count != 1 else kind[:-1]}"

    return told


Called = Mapping[str, str | Sequence[str]]


def _cells() -> Iterator[tuple[str, Rule, Said, Called]]:
    """Name, what becomes of a word, phrases with fields, what their values are called."""
    # Two dresses for each place, another two for the next, so that every pair of them meets.
    for i, (place, (take, placed)) in enumerate(PLACES.items()):
        if place in BARE:
            yield place, take, SAID["bare"], {"place": placed}
        for j, (dress, (put, dressed)) in enumerate(DRESSES.items()):
            if (i + j) % 4 < 2 and (place, dress) != ("first", "upper"):
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
