"""sequence: how far and in which style, of weekdays, months and letters; terms of a series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed
from t2l_fast.tasks.lexicon.steps import STEPS, STYLES

Rule = Callable[[str], str | None]

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
        ("the next term", "the number that continues it", "the next term to continue it"),
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
            "the number that came just before it",
            "the term just before the first one",
        ),
    ),
    "step": (
        lambda last, by: by,
        ("the step", "the difference between neighbours", "the difference, its step"),
    ),
}
SAID = blocks("""
named
= {step}, {style} | the name of {step}, {style}
= the right name, {step}, {style}
> name {step}, {style} | find {step} and write it {style}
> work out {step} and put it {style}

letter
= {step} in the alphabet, counted from the {place} letter | {step}, seen from the {place} letter
= in the alphabet, {step}, from the {place} letter
> find {step} in the alphabet, counted from the {place} letter
> name {step}, seen from the {place} letter
> go from the {place} letter of the input to {step}

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


Cell = tuple[str, Rule, Said, Mapping[str, str | Sequence[str]]]
"""Name, what becomes of an input, phrases with fields, what their values are called."""


def _names(unit: str, names: Sequence[str], table: Mapping[str, tuple[int, ...]]) -> Iterator[Cell]:
    short = unit.removeprefix("week")
    for style, steps in table.items():
        for step in steps:
            name, *called = STEPS[step]
            told = [phrase.format(unit=unit, short=short) for phrase in called]
            suffix = "" if style == "full" else f"-{style}"
            fields = {"unit": unit, "step": told, "style": STYLES[style][1]}
            yield f"{short}-{name}{suffix}", _moved(names, step, style), SAID["named"], fields


def _letters() -> Iterator[Cell]:
    for i, (place, steps) in enumerate(LETTER_CELLS.items()):
        for step in steps:
            name, *called = STEPS[step]
            told = [phrase.format(unit="letter", short="place") for phrase in called]
            fields = {"step": told, "place": place}
            yield f"letter-{name}-{place}", _letter(-i, step), SAID["letter"], fields


def _terms() -> Iterator[Cell]:
    for name, (term, called) in TERMS.items():
        yield f"series-{name}", _term(term), SAID["term"], {"term": called}


def cells(
    letters: Sequence[str],
    days: Sequence[str],
    months: Sequence[str],
    day_names: Sequence[str],
    month_names: Sequence[str],
) -> list[Draft]:
    """One draft per cell, over the family's pairs of letters, weekdays and months, and series."""
    kinds = (
        (_letters(), ("a pair of letters", "a couple of letters"), letters, "k p"),
        (
            _names("weekday", day_names, DAY_CELLS),
            ("a weekday", "a text with a weekday"),
            days,
            day_names[0],
        ),
        (
            _names("month", month_names, MONTH_CELLS),
            ("a month", "a text with a month"),
            months,
            month_names[2],
        ),
        (
            _terms(),
            ("three numbers in a row", "a series of three numbers"),
            series(),
            "20, 25, 30",
        ),
    )
    return [
        ask(
            name,
            crossed(said, f"{shown} → {rule(shown)}", **called),
            nouns,
            mapped(pool, rule),
        )
        for rules, nouns, pool, shown in kinds
        for name, rule, said, called in rules
    ]
