"""What can be asked of a list of four words: places, orders, extremes; each with its phrases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Words = Sequence[str]
Asked = tuple[Callable[[Words], str], tuple[str, ...]]

PLACES: dict[str, Asked] = {
    "first": (
        lambda w: w[0],
        ("the first word", "the word at the beginning of the list", "word number one"),
    ),
    "second": (
        lambda w: w[1],
        ("the second word", "the word right after the first one", "word number two"),
    ),
    "third": (
        lambda w: w[2],
        ("the third word", "the word just before the last one", "word number three"),
    ),
    "last": (
        lambda w: w[3],
        ("the last word", "the word at the end of the list", "the final word of the four"),
    ),
}

ORDERS: dict[str, Asked] = {
    "first-upper": (
        lambda w: w[0].upper(),
        ("the first word in capital letters", "the first word of the list, in upper case"),
    ),
    "last-upper": (
        lambda w: w[3].upper(),
        ("the last word in capital letters", "the final word of the list, in upper case"),
    ),
    "first-and-last": (
        lambda w: f"{w[0]}, {w[3]}",
        ("the first word and then the last word", "the two outer words in their order"),
    ),
    "last-and-first": (
        lambda w: f"{w[3]}, {w[0]}",
        ("the last word and then the first word", "the two outer words, the last one in front"),
    ),
    "first-two": (
        lambda w: ", ".join(w[:2]),
        ("the first two words", "the first half of the list", "words one and two"),
    ),
    "last-two": (
        lambda w: ", ".join(w[2:]),
        ("the last two words", "the second half of the list", "words three and four"),
    ),
    "middle-two": (
        lambda w: ", ".join(w[1:3]),
        ("the middle two words", "the two words in the middle of the list", "words two and three"),
    ),
    "first-and-third": (
        lambda w: f"{w[0]}, {w[2]}",
        ("the first and the third word", "words one and three", "every other word from the first"),
    ),
    "second-and-last": (
        lambda w: f"{w[1]}, {w[3]}",
        ("the second and the fourth word", "words two and four", "the second and the last word"),
    ),
    "all-but-first": (
        lambda w: ", ".join(w[1:]),
        ("all words except the first", "the list without its first word"),
    ),
    "all-but-last": (
        lambda w: ", ".join(w[:3]),
        ("all words except the last", "the list without its final word"),
    ),
    "reversed": (
        lambda w: ", ".join(w[::-1]),
        ("all four words in reverse order", "the list backwards, from the last word to the first"),
    ),
    "swap-first-two": (
        lambda w: ", ".join((w[1], w[0], w[2], w[3])),
        ("the list with its first two words swapped", "all words, the second before the first"),
    ),
    "first-to-end": (
        lambda w: ", ".join((*w[1:], w[0])),
        ("the list with its first word moved to the end", "all words, the first one put last"),
    ),
    "alphabetical": (
        lambda w: ", ".join(sorted(w)),
        ("the four words in alphabetical order", "the list sorted from A to Z"),
    ),
}

EXTREMES: dict[str, Asked] = {
    "longest": (
        lambda w: max(w, key=len),
        ("the longest word", "the word with the most letters"),
    ),
    "shortest": (
        lambda w: min(w, key=len),
        ("the shortest word", "the word with the fewest letters"),
    ),
    "alphabetically-first": (
        min,
        ("the word that comes first in the alphabet", "the alphabetically first word"),
    ),
    "alphabetically-last": (
        max,
        ("the word that comes last in the alphabet", "the alphabetically last word"),
    ),
}
