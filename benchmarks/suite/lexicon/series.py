"""Which steps are asked for in which style, which terms of a series, and how to ask."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.suite.lexicon.asking import blocks
from benchmarks.suite.lexicon.steps import STYLES

WEEK = (-3, -2, -1, 0, 1, 2, 3)
DAY_CELLS = dict.fromkeys(STYLES, WEEK) | {"full": (-3, 0, 3)}
MONTH_CELLS = {
    "full": (-5, -4, -3, 0, 3, 4, 5),
    "short": (-4, *WEEK, 4),
    "capitals": (-4, *WEEK, 4),
    "lower": (-2, -1, 0, 1, 2),
    "code": (-2, -1, 1, 2),
}
SEASON_CELLS = {"full": (-1, 1, 2), "capitals": (-1, 1, 2)}
PLANET_CELLS = {"full": (-2, -1, 1, 2), "capitals": (-1, 1, 2), "lower": (-1, 1)}
SIGN_CELLS = {"full": (-2, -1, 1, 2), "capitals": (-2, -1, 1), "lower": (-1, 1)}
LETTER_CELLS = {"first": (-5, -4, -3, 1, 2, 3, 4, 5), "second": (-5, -4, -3, -2, -1, 3, 4, 5)}
"""The family has the first letter's -1 and -2, the second's 1 and 2."""
CAPITAL_STEPS = (-4, -3, -2, -1, 1, 2, 3, 4)
# name: a function of the last term and the step, what that is called; the last for evaluation
TERMS: dict[str, tuple[Callable[[int, int], object], tuple[str, ...]]] = {
    "next": (
        lambda last, by: last + by,
        ("the next term", "the coming number", "the next term to continue it"),
    ),
    "after-next": (
        lambda last, by: last + 2 * by,
        (
            "the term after the next",
            "the second number to come",
            "the second term after, past the next",
        ),
    ),
    "previous": (
        lambda last, by: last - 3 * by,
        (
            "the term before the first",
            "the number just before the first",
            "the term just before the first one",
        ),
    ),
    "step": (
        lambda last, by: by,
        ("the step", "the difference between neighbours", "the difference, its step"),
    ),
    "third-next": (
        lambda last, by: last + 3 * by,
        ("the third term to come", "the number three steps on", "the third term past the last"),
    ),
    "next-two": (
        lambda last, by: f"{last + by}, {last + 2 * by}",
        (
            "the next two terms, with a comma between them",
            "the coming two numbers, comma-separated",
            "the two next terms, joined by a comma",
        ),
    ),
    "backwards": (
        lambda last, by: f"{last}, {last - by}, {last - 2 * by}",
        ("the terms in reverse order", "the numbers from last to first", "the backward order"),
    ),
    "sum": (
        lambda last, by: 3 * (last - by),
        ("the sum of all three terms", "the total of the numbers", "the terms' total, their sum"),
    ),
    "ends": (
        lambda last, by: 2 * (last - by),
        (
            "the sum of the first and the last term",
            "the total of the two outer numbers",
            "the outer terms' total, first plus last",
        ),
    ),
    "negative": (
        lambda last, by: -(last + by),
        (
            "the next term with a minus sign",
            "the negative of the coming number",
            "the next term, but negated",
        ),
    ),
}
SAID = blocks("""
named
= {step}, {style} | the name of {step}, {style} | only {step}, {style}
= {step} and no other, {style}
= the right name, {step}, {style}
> name {step}, {style} | find {step} and write it {style} | answer with {step}, {style}
> say which is {step}, and put that {style}
> work out {step} and put it {style}

letter
= {step} in the alphabet, counted from the {place} letter | {step}, seen from the {place} letter
= in alphabetical order, {step}, taking the {place} letter as the start
= in the alphabet, {step}, from the {place} letter
> find {step} in the alphabet, counted from the {place} letter
> name {step}, seen from the {place} letter
> look at the {place} letter only, and say {step} in the alphabet
> go from the {place} letter of the input to {step}

capital
= {step} in the alphabet, counted from the {place} letter, as a capital
= {step}, seen from the {place} letter, in upper case
= in alphabetical order, {step}, taking the {place} letter as the start, capitalised
= in the alphabet, {step}, from the {place} letter, as an upper-case capital
> find {step} in the alphabet, counted from the {place} letter, and capitalise it
> name {step}, seen from the {place} letter, in upper case
> look at the {place} letter only, and say {step} in the alphabet as a capital
> go from the {place} letter of the input to {step}, written as an upper-case capital

term
= {term} of the series | {term} in the row of numbers | {term} of the arithmetic sequence
= {term}, judging by the three numbers
> find {term} of the series | give {term} in the row of numbers
> take the arithmetic sequence and write {term}
> look at the three numbers and work out {term}
""")
