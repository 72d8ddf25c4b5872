"""More to ask of a list of four words, as patterns for the words and phrases for the patterns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, permutations

_PLACES = """
first | the first word | word number one | the opening word
second | the second word | word number two | the word next to the opening one
third | the third word | word number three | the word next to the closing one
last | the last word | the final word | the closing word
"""
_FORMATS = """
capitals = ^{w} | {} in capital letters | {} in upper case | {}, with all letters big
parentheses = ({w}) | {} in parentheses | {} inside round brackets | {}, with brackets around it
quotes = "{w}" | {} in double quotes | {} inside quotation marks | {}, with quotes on either side
initial = {w[0]} | the first letter of {} | the initial of {} | the letter with which {} begins
"""
_FORMATTED = {
    "capitals": "second third",
    "parentheses": "first third last",
    "quotes": "first second last",
    "initial": "first second third last",
}
_JOINTS = """
and = {a} and {b} | with the word "and" between | linked by "and" | and "and" in the middle
hyphen = {a}-{b} | joined by a hyphen | with a hyphen between | and a hyphen in the middle
slash = {a}/{b} | joined by a slash | with a slash between | and a slash in the middle
colon = {a}: {b} | joined by a colon | with a colon between | and a colon in the middle
plus = {a} + {b} | joined by a plus sign | with a plus between | and "+" in the middle
brackets = {a} ({b}) | the latter in parentheses | this one in brackets | brackets around the last
"""
_COMMAS = "second-first third-first third-second last-second last-third"
_ORDERS = """
all-but-second = {0}, {2}, {3} | all words except the second | the list without word number two
= the list from which the word in second place is missing
all-but-third = {0}, {1}, {3} | all words except the third | the list without word number three
= the list from which the word in third place is missing
last-to-front = {3}, {0}, {1}, {2} | the list with its last word moved to the front
= all words, the last one put first | all four, beginning with the closing word
swap-last-two = {0}, {1}, {3}, {2} | the list with its last two words swapped
= all words, the fourth before the third | all four, with words three and four trading places
swap-middle-two = {0}, {2}, {1}, {3} | the list with its middle two words swapped
= all words, the third before the second | all four, with words two and three trading places
swap-outer-two = {3}, {1}, {2}, {0} | the list with its first and last word swapped
= all words, the outer two exchanged | all four, with words one and four trading places
swap-halves = {2}, {3}, {0}, {1} | the list with its halves swapped
= all words, the last two before the first two | all four, the second half in front
first-three-reversed = {2}, {1}, {0} | the first three words in reverse order
= word three, word two, word one | the first three, read from right to left
all-capitals = ^{0}, {1}, {2}, {3} | all four words in capital letters
= the whole list in upper case | the entire list, with big letters only
all-and = {0} and {1} and {2} and {3} | all four words with "and" between them
= the whole list, "and" in place of its commas | the four words in a chain of "and"
all-hyphens = {0}-{1}-{2}-{3} | all four words joined by hyphens
= the whole list, hyphens in place of its commas | the four words in one hyphenated chain
all-slashes = {0}/{1}/{2}/{3} | all four words joined by slashes
= the whole list, slashes in place of its commas | the four words with slashes dividing them
all-spaces = {0} {1} {2} {3} | all four words separated by spaces only
= the whole list, its commas removed | the four words without any comma
all-initials = {0[0]}, {1[0]}, {2[0]}, {3[0]} | the first letters of all four words
= the initial of each word, with commas | the letters with which the four words begin
"""
_EXTREMES = """
longest-label = longest: {long} | the longest word after the label "longest:"
= the word longest, a colon, and the word with the most letters | the lengthiest with "longest:"
shortest-label = shortest: {short} | the shortest word after the label "shortest:"
= the word shortest, a colon, and the word with the fewest letters | the briefest with "shortest:"
shortest-and-longest = {short}, {long} | the shortest and then the longest word
= the word with the fewest letters and the one with the most | the briefest and the lengthiest word
longest-and-shortest = {long}, {short} | the longest and then the shortest word
= the word with the most letters and the one with the fewest | the lengthiest and the briefest word
earliest-label = from A: {early} | the alphabetically first word after the label "from A:"
= the words from A, a colon, and the word that comes first in the alphabet
= the word that a dictionary has in front of the others, led by "from A:"
latest-label = to Z: {late} | the alphabetically last word after the label "to Z:"
= the words to Z, a colon, and the word that comes last in the alphabet
= the word that a dictionary has behind the others, led by "to Z:"
alphabetical-ends = {early}, {late} | the alphabetically first and the alphabetically last word
= the word that comes first in the alphabet and the one that comes last
= the word nearest to A and the word nearest to Z
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """A pattern for the words ("^": in capitals), phrases to train and one to evaluate with."""

    pattern: str
    phrases: tuple[str, ...]
    unseen: str

    def answer(self, words: list[str]) -> str:
        """What the pattern makes of four words."""
        told = self.pattern.removeprefix("^").format(
            *words,
            long=max(words, key=len),
            short=min(words, key=len),
            early=min(words),
            late=max(words),
        )
        return told.upper() if self.pattern.startswith("^") else told


def _read(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.strip().replace("\n= ", " | ").splitlines():
        name, told = line.split(" = ", 1)
        yield name, told.split(" | ")


def _listed(text: str) -> dict[str, Asking]:
    return {name: Asking(told[0], tuple(told[1:-1]), told[-1]) for name, told in _read(text)}


def _placed() -> Iterator[tuple[str, Asking]]:
    """One place in another format; two places in every order, joined in every way in turn."""
    places = {row[0]: row[1:] for row in (r.split(" | ") for r in _PLACES.strip().splitlines())}
    at = {place: f"{{{i}}}" for i, place in enumerate(places)}
    for name, (pattern, *ways) in _read(_FORMATS):
        for place in _FORMATTED[name].split():
            first, second, unseen = (
                way.format(what) for way, what in zip(ways, places[place], strict=True)
            )
            shape = pattern.replace("{w", at[place][:-1])
            yield f"{place}-{name}", Asking(shape, (first, second), unseen)
    comma = (
        "comma",
        ["{a}, {b}", "with a comma between", "kept apart by a comma", "and a comma in the middle"],
    )
    joints = cycle(_read(_JOINTS))
    joined = [(pair, next(joints)) for pair in permutations(places, 2)]
    joined += [(tuple(pair.split("-")), comma) for pair in _COMMAS.split()]
    for (a, b), (name, (pattern, *ways)) in joined:
        said = [f"{x} and {y}, {way}" for x, y, way in zip(places[a], places[b], ways, strict=True)]
        shape = pattern.replace("{a}", at[a]).replace("{b}", at[b])
        yield f"{a}-{b}-{name}", Asking(shape, (said[0], said[1]), said[2])


ORDERS: dict[str, Asking] = dict(_placed()) | _listed(_ORDERS)
"""Asked about any list."""
EXTREMES: dict[str, Asking] = _listed(_EXTREMES)
"""Asked about lists with one longest and one shortest word."""
