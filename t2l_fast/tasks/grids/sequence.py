"""sequence: how far and in which style, of weekdays, months and letters; terms of a series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed

Rule = Callable[[str], str | None]

# step: its name, what it is called; the last for evaluation
STEPS: dict[int, tuple[str, ...]] = {
    -1: ("previous", "just before {it}", "one {unit} earlier than {it}", "one step back from {it}"),
    0: ("same", "mentioned", "named in the input", "as it is given"),
    1: ("next", "right after {it}", "one {unit} later than {it}", "one step on from {it}"),
    **{
        -n: (
            f"{word}-before",
            f"{word} {{unit}}s before {{it}}",
            f"{n} {{unit}}s earlier than {{it}}",
            f"{word} steps back from {{it}}",
        )
        for n, word in ((2, "two"), (3, "three"), (4, "four"))
    },
    **{
        n: (
            f"{word}-after",
            f"{word} {{unit}}s after {{it}}",
            f"{n} {{unit}}s later than {{it}}",
            f"{word} steps on from {{it}}",
        )
        for n, word in ((2, "two"), (3, "three"), (4, "four"))
    },
}
# name: how a name is written, what that is called; the last for evaluation
STYLES: dict[str, tuple[Callable[[str], str], tuple[str, ...]]] = {
    "full": (str, ("in full", "as a whole word", "not shortened")),
    "short": (lambda name: name[:3], ("in three letters", "abbreviated", "cut to three letters")),
    "capitals": (str.upper, ("in capitals", "in upper case", "in capital letters")),
}
DAY_CELLS = {
    "full": (-3, 3),
    "short": (-2, -1, 1, 2),
    "capitals": (-1, 0, 1, 2),
}
MONTH_CELLS = {
    "full": (-4, -3, 3, 4),
    "short": (-1, 0, 1, 2),
    "capitals": (-2, -1, 0, 1),
}
LETTER_CELLS = {"first": (-3, 1, 2, 3), "second": (-3, -2, -1, 3)}
"""The family has the first letter's -1 and -2, the second's 1 and 2."""
TERMS: dict[str, tuple[Callable[[int, int], int], tuple[str, ...]]] = {
    "next": (
        lambda last, by: last + by,
        ("the next term", "the number that continues it", "the term to follow"),
    ),
    "after-next": (
        lambda last, by: last + 2 * by,
        ("the term after the next", "the second number to come", "the term but one to follow"),
    ),
    "previous": (
        lambda last, by: last - 3 * by,
        (
            "the term before the first",
            "the number that came just before it",
            "the term preceding all",
        ),
    ),
    "step": (
        lambda last, by: by,
        ("the step", "the difference between neighbours", "the constant increase"),
    ),
}
SAID = blocks("""
named
= the {unit} {step}, {style} | the name of the {unit} {step}, {style}
= the proper {unit}, {step}, {style}
> name the {unit} {step}, {style} | tell which {unit} it is {step}, {style}
> find the {unit} {step} and write it {style}

letter
= the letter of the alphabet {step} | the alphabet's letter {step}
= the alphabetical neighbour {step}
> name the letter of the alphabet {step} | write the letter that stands {step}
> find in the alphabet what stands {step}

term
= {term} of the series | {term} in the row of numbers | {term} of the arithmetic sequence
= {term}, judging by the three numbers
> find {term} of the series | give {term} in the row of numbers
> look at the three numbers and work out {term}
""")


def series() -> tuple[str, ...]:
    """Three numbers with a constant step, the one before them positive."""
    starts = ((by, range(by + 1, by + 37)) for by in (1, 2, 3, 4, 5, 10))
    return tuple(f"{n}, {n + by}, {n + 2 * by}" for by, range_ in starts for n in range_)


def _moved(names: Sequence[str], step: int, style: str) -> Rule:
    def moved(text: str) -> str:
        place = next(i for i, name in enumerate(names) if name in text)
        return STYLES[style][0](names[(place + step) % len(names)])

    return moved


def _letter(place: int, step: int) -> Rule:
    """None outside the alphabet."""

    def moved(text: str) -> str | None:
        letter = chr(ord(text[place]) + step)
        return letter if letter.isalpha() else None

    return moved


def _term(term: Callable[[int, int], int]) -> Rule:
    def told(text: str) -> str:
        first, second, last = map(int, text.split(", "))
        return str(term(last, second - first))

    return told


def _names(
    unit: str, names: Sequence[str], table: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, Rule, Said]]:
    short = unit.removeprefix("week")
    for style, steps in table.items():
        for step in steps:
            name, *called = STEPS[step]
            told = [phrase.format(unit=short, it=f"the {short} mentioned") for phrase in called]
            said = crossed(SAID["named"], unit=unit, step=told, style=STYLES[style][1])
            suffix = "" if style == "full" else f"-{style}"
            yield f"{short}-{name}{suffix}", _moved(names, step, style), said


def _letters() -> Iterator[tuple[str, Rule, Said]]:
    for i, (place, steps) in enumerate(LETTER_CELLS.items()):
        for step in steps:
            name, *called = STEPS[step]
            told = [phrase.format(unit="place", it=f"the {place} letter") for phrase in called]
            yield f"letter-{name}-{place}", _letter(-i, step), crossed(SAID["letter"], step=told)


def _terms() -> Iterator[tuple[str, Rule, Said]]:
    for name, (term, called) in TERMS.items():
        yield f"series-{name}", _term(term), crossed(SAID["term"], term=called)


def cells(
    letters: Sequence[str],
    days: Sequence[str],
    months: Sequence[str],
    day_names: Sequence[str],
    month_names: Sequence[str],
) -> list[Draft]:
    """One draft per cell, over the family's pairs of letters, weekdays and months, and series."""
    kinds = (
        (_letters(), ("a pair of letters", "a couple of letters"), letters),
        (_names("weekday", day_names, DAY_CELLS), ("a weekday", "a text with a weekday"), days),
        (_names("month", month_names, MONTH_CELLS), ("a month", "a text with a month"), months),
        (_terms(), ("three numbers in a row", "a series of three numbers"), series()),
    )
    return [
        ask(name, said, nouns, mapped(pool, rule))
        for rules, nouns, pool in kinds
        for name, rule, said in rules
    ]
