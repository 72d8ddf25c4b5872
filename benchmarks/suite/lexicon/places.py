"""Which letters of a word a task may ask for."""

from __future__ import annotations

from collections.abc import Callable

# name: the letters, what they are called; the last for evaluation
PLACES: dict[str, tuple[Callable[[str], str], tuple[str, ...]]] = {
    "first": (
        lambda w: w[0],
        ("the first letter", "the initial letter", "the starting letter", "the very first letter"),
    ),
    "second": (
        lambda w: w[1],
        ("the second letter", "the 2nd letter", "letter number two", "the letter in second place"),
    ),
    "third": (
        lambda w: w[2],
        ("the third letter", "the 3rd letter", "letter number three", "the letter in third place"),
    ),
    "fourth": (
        lambda w: w[3],
        ("the fourth letter", "the 4th letter", "letter number four", "the letter in fourth place"),
    ),
    "last": (
        lambda w: w[-1],
        ("the last letter", "the final letter", "the ending letter", "the very last letter"),
    ),
    "last-but-one": (
        lambda w: w[-2],
        (
            "the second-to-last letter",
            "the penultimate letter",
            "the last letter but one",
            "the penultimate, second-to-last letter",
        ),
    ),
    "first-two": (
        lambda w: w[:2],
        (
            "the first two letters",
            "the starting two letters",
            "the initial two letters",
            "the first two characters",
        ),
    ),
    "last-two": (
        lambda w: w[-2:],
        (
            "the last two letters",
            "the ending two letters",
            "the final two letters",
            "the last two characters",
        ),
    ),
    "first-three": (
        lambda w: w[:3],
        (
            "the first three letters",
            "the starting three letters",
            "the initial three letters",
            "the first three characters",
        ),
    ),
    "last-three": (
        lambda w: w[-3:],
        (
            "the last three letters",
            "the ending three letters",
            "the final three letters",
            "the last three characters",
        ),
    ),
    "first-and-last": (
        lambda w: w[0] + w[-1],
        (
            "the first and last letters",
            "both outermost letters",
            "the letters at both ends",
            "the first plus the last letter",
        ),
    ),
    "first-four": (
        lambda w: w[:4],
        (
            "the first four letters",
            "the starting four letters",
            "the initial four letters",
            "the first four characters",
        ),
    ),
    "last-four": (
        lambda w: w[-4:],
        (
            "the last four letters",
            "the ending four letters",
            "the final four letters",
            "the last four characters",
        ),
    ),
}
