"""More ways to spell a word: some of its letters in capitals, doubled, hidden, cut off or moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spelling:
    """What is done to the word, two phrases to train with and one to evaluate with."""

    function: Callable[[str], str]
    phrases: tuple[str, str]
    unseen: str


def _vowels(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda w: "".join(change(c) if c in "aeiou" else c for c in w)


_ONES: dict[str, tuple[Callable[[str], str], str]] = {
    "first-two-capitals": (
        lambda w: w[:2].upper() + w[2:],
        "the word with its first two letters as capitals"
        "; the word, in lower case from its third letter on and in upper case before"
        "; the word with its opening pair of letters big",
    ),
    "last-two-capitals": (
        lambda w: w[:-2] + w[-2:].upper(),
        "the word with its last two letters as capitals"
        "; the word in lower case except for two capital letters at the end"
        "; the word with its closing pair of letters big",
    ),
    "ends-capitals": (
        lambda w: w[0].upper() + w[1:-1] + w[-1].upper(),
        "the word with its first and its last letter as capitals"
        "; the word, in lower case between two capital letters at its ends"
        "; the word with a big letter at either end",
    ),
    "all-but-first-capitals": (
        lambda w: w[0] + w[1:].upper(),
        "the word in capital letters except for its first letter"
        "; the word with a small initial and upper case after it"
        "; the word with every letter big, the opening one excepted",
    ),
    "all-but-last-capitals": (
        lambda w: w[:-1].upper() + w[-1],
        "the word in capital letters except for its last letter"
        "; the word in upper case with a small letter at the end"
        "; the word with every letter big, the closing one excepted",
    ),
    "vowels-capitals": (
        _vowels(str.upper),
        "the word with its vowels as capitals and its consonants small"
        "; the word with a, e, i, o and u in upper case"
        "; the word in which the vowels alone are big",
    ),
    "alternating-capitals": (
        lambda w: "".join(c.upper() if i % 2 == 0 else c for i, c in enumerate(w)),
        "the word with every other letter as a capital, beginning with the first"
        "; the word in alternating case, upper case first"
        "; the word in which big and small letters take turns",
    ),
    "vowels-starred": (
        _vowels(lambda _: "*"),
        "the word with an asterisk in place of every vowel"
        "; the word with a, e, i, o and u each replaced by *"
        "; the word in which stars hide the vowels",
    ),
    "first-blank": (
        lambda w: "_" + w[1:],
        "the word with an underscore in place of its first letter"
        "; the word, its initial replaced by _"
        "; the word with a gap where the opening letter was, drawn as _",
    ),
    "last-blank": (
        lambda w: w[:-1] + "_",
        "the word with an underscore in place of its last letter"
        "; the word, its final letter replaced by _"
        "; the word with a gap where the closing letter was, drawn as _",
    ),
    "without-ends": (
        lambda w: w[1:-1],
        "the word without its first and its last letter"
        "; what is left of the word once both end letters are removed"
        "; the inner part of the word, the opening and the closing letter cut off",
    ),
    "without-first-capitals": (
        lambda w: w[1:].upper(),
        "the word without its first letter, in capital letters"
        "; what is left of the word without its initial, in upper case"
        "; the word, big and with its opening letter cut off",
    ),
    "without-last-capitals": (
        lambda w: w[:-1].upper(),
        "the word without its last letter, in capital letters"
        "; what is left of the word without its final letter, in upper case"
        "; the word, big and with its closing letter cut off",
    ),
    "last-doubled": (
        lambda w: w + w[-1],
        "the word with its last letter doubled"
        "; the word with its final letter written two times at the end"
        "; the word with its closing letter stuttered once",
    ),
    "reversed-capitals": (
        lambda w: w[::-1].upper(),
        "the word spelled backwards in capital letters"
        "; the letters of the word in reverse order and in upper case"
        "; the word from right to left, all letters big",
    ),
    "ends-swapped": (
        lambda w: w[-1] + w[1:-1] + w[0],
        "the word with its first and its last letter swapped"
        "; the word, its two end letters exchanged"
        "; the word whose opening and closing letters trade places",
    ),
    "first-two-swapped": (
        lambda w: w[1] + w[0] + w[2:],
        "the word with its first two letters swapped"
        "; the word, its second letter put before its first"
        "; the word whose opening pair of letters trade places",
    ),
    "first-to-end": (
        lambda w: w[1:] + w[0],
        "the word with its first letter moved to the end"
        "; the word, its initial taken away and put behind the others"
        "; the word whose opening letter goes to the very back",
    ),
    "last-to-front": (
        lambda w: w[-1] + w[:-1],
        "the word with its last letter moved to the front"
        "; the word, its final letter taken away and put before the others"
        "; the word whose closing letter goes to the very front",
    ),
}


def respelled() -> dict[str, Spelling]:
    """All of them by name."""
    made = {}
    for name, (function, told) in _ONES.items():
        first, second, unseen = told.split("; ")
        made[name] = Spelling(function, (first, second), unseen)
    return made
