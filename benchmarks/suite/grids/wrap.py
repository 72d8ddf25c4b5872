"""wrap: a mark and the side it stands on, brackets and how wide, tags, endings, words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.lexicon.asking import ask, crossed
from benchmarks.suite.lexicon.marks import BRACKETS, ENDINGS, FIRST, LAST, MARKS, TAGS
from benchmarks.suite.lexicon.surrounded import SAID

NOUNS = ("a word", "one word", "an English word")

# name: what is written, w being the word and m the mark
SIDES = {
    "before": "{m}{w}",
    "after": "{w}{m}",
    "both": "{m}{w}{m}",
    "spaced": "{m} {w} {m}",
    "double": "{m}{m}{w}{m}{m}",
}
# name: what is written, o and c being the opening and the closing bracket
WIDTHS = {
    "single": "{o}{w}{c}",
    "spaced": "{o} {w} {c}",
    "double": "{o}{o}{w}{c}{c}",
    "triple": "{o}{o}{o}{w}{c}{c}{c}",
    "outward": "{c}{w}{o}",
    "open": "{o}{w}",
    "close": "{w}{c}",
}
ELSEWHERE = {
    *(
        f"{mark}-both"
        for mark in "dollar percent plus colon slash pipe asterisk underscore".split()
    ),
    *("tilde-both", "equals-both", "hyphen-both", "asterisk-double", "hash-before", "at-before"),
    *("exclamation-after", "question-after", "semicolon-after", "square-double"),
    *("square-single", "round-single", "curly-single", "angle-single"),
}
"""Cells that the family has under other names."""


def _words() -> Iterator[tuple[str, str, Sequence[str]]]:
    """Name, what is written, what it is called: one word, or one on each side."""
    leading = ("{0} before it", '"{0}" in front', "{0} as the first word", "a leading {0}")
    trailing = ("{0} after it", '"{0}" at the end', "{0} as the last word", "a trailing {0}")
    for first in FIRST:
        yield first, f"{first} {{w}}", [called.format(first) for called in leading]
    for last in LAST:
        yield last, f"{{w}} {last}", [called.format(last) for called in trailing]
    both = [f"{a} and {b.replace('0', '1')}" for a, b in zip(leading, trailing, strict=True)]
    for first, last in product(FIRST, LAST):
        yield f"{first}-{last}", f"{first} {{w}} {last}", [c.format(first, last) for c in both]


def _cells() -> Iterator[tuple[str, str, str, Sequence[str]]]:
    """Name, what is written, its block of `SAID`, what its value is called."""
    for (name, (mark, *called)), (side, form) in product(MARKS.items(), SIDES.items()):
        yield f"{name}-{side}", form.replace("{m}", mark), side, called
    for (name, (pair, *called)), (width, form) in product(BRACKETS.items(), WIDTHS.items()):
        written = form.replace("{o}", pair[0]).replace("{c}", pair[1])
        yield f"{name}-{width}", written, f"bracket-{width}", called
    for name, (ending, *called) in ENDINGS.items():
        yield f"{name}-name", f"{{w}}{ending}", "ending", called
    for name, (tag, *called) in TAGS.items():
        yield f"html-{name}", f"<{tag}>{{w}}</{tag}>", "tag", called
    for name, written, called in _words():
        yield f"word-{name}", written, "word", called


def put(written: str, word: str) -> str:
    """The form with the word in its place; braces of the form's own stay."""
    return written.replace("{w}", word)


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's words."""
    return [
        ask(
            name,
            crossed(SAID[said], mark=called),
            NOUNS,
            mapped(pool, lambda word, written=written: put(written, word)),
        )
        for name, written, said, called in _cells()
        if name not in ELSEWHERE
    ]
