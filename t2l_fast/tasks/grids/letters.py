"""letters: which letters and how they are dressed; what is counted and how that is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed

NOUNS = ("a word", "one word", "an English word")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
LONG = 6
"""In shorter words the third letter may be the last but one, and the fourth as well."""

Rule = Callable[[str], str]

# name: the letters, what they are called; the last for evaluation
PLACES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "first": (lambda w: w[0], ("the first letter", "the initial letter", "the opening letter")),
    "second": (lambda w: w[1], ("the second letter", "the 2nd letter", "letter number two")),
    "third": (lambda w: w[2], ("the third letter", "the 3rd letter", "letter number three")),
    "fourth": (lambda w: w[3], ("the fourth letter", "the 4th letter", "letter number four")),
    "last": (lambda w: w[-1], ("the last letter", "the final letter", "the closing letter")),
    "last-but-one": (
        lambda w: w[-2],
        ("the second-to-last letter", "the last letter but one", "the penultimate letter"),
    ),
    "first-two": (
        lambda w: w[:2],
        ("the first two letters", "the starting two letters", "the opening pair of letters"),
    ),
    "last-two": (
        lambda w: w[-2:],
        ("the last two letters", "the ending two letters", "the closing pair of letters"),
    ),
    "first-three": (
        lambda w: w[:3],
        ("the first three letters", "the starting three letters", "the opening three letters"),
    ),
    "last-three": (
        lambda w: w[-3:],
        ("the last three letters", "the ending three letters", "the closing three letters"),
    ),
    "first-and-last": (
        lambda w: w[0] + w[-1],
        ("the first and last letters", "both outermost letters", "the opening and closing letters"),
    ),
}
DRESSES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "upper": (str.upper, ("in upper case", "capitalised", "in capital letters")),
    "dot": (lambda s: f"{s}.", ("with a full stop", "with a dot behind", "closed by a period")),
    "twice": (lambda s: s + s, ("written twice in a row", "doubled", "repeated once")),
    "hyphen": (lambda s: f"{s}-", ("with a hyphen", "with a dash behind", "ended by a -")),
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
= the number of {what} in the word, in digits, and the word {what}
= the count of {what}, such as 3 {what}
= how many {what} there are, like 3 {what}
> count the {what} of the word and write the digits and {what}
> give the count of {what}, as in 3 {what}
> find the count of {what}, a figure and then {what}

words
= the number of {what} in words, and the word {what}
= the count of {what}, such as three {what}
= how many {what} there are, like three {what}
> count the {what} of the word and spell the number before {what}
> give the count of {what}, as in three {what}
> find the count of {what}, spelled out, and then {what}
""")


def _count(kind: str, spelled: bool) -> Rule:
    among = COUNTED[kind]

    def told(word: str) -> str:
        count = sum(letter in among for letter in word)
        return f"{NUMBERS[count] if spelled else count} {kind if count != 1 else kind[:-1]}"

    return told


def _cells() -> Iterator[tuple[str, Rule, Said]]:
    """Name, what becomes of a word, how that is said."""
    # Two dresses for each place, another two for the next, so that every pair of them meets.
    for i, (place, (take, placed)) in enumerate(PLACES.items()):
        if place in BARE:
            yield place, take, crossed(SAID["bare"], place=placed)
        for j, (dress, (put, called)) in enumerate(DRESSES.items()):
            if (i + j) % 4 < 2 and (place, dress) != ("first", "upper"):
                said = crossed(SAID["dressed"], place=placed, dress=called)
                yield f"{place}-{dress}", lambda w, put=put, take=take: put(take(w)), said
    for kind in COUNTED:
        yield f"{kind}-counted", _count(kind, False), crossed(SAID["digits"], what=kind)
        yield f"{kind}-counted-in-words", _count(kind, True), crossed(SAID["words"], what=kind)


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's words."""
    long = [word for word in pool if len(word) >= LONG]
    return [
        ask(name, said, NOUNS, mapped(long if name.startswith(BARE) else pool, rule))
        for name, rule, said in _cells()
    ]
