"""dates: which parts and in which order, separator, style of the month; a date or part moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed
from t2l_fast.tasks.lexicon.dated import ORDERS, SEPARATORS, STYLES

NOUNS = ("a date", "an ISO date", "a date as year-month-day")

STYLED = {
    "full": ("month-day", "year-month"),
    "short": (*("day-month-year", "month-day-year", "day-month", "month-day"), "month-year"),
    "capitals": ("day-month-year", "day-month", "month-day", "month-year"),
}
ELSEWHERE = {
    *("day-month-year-slashes", "month-day-year-slashes", "day-month-year-dots"),
    "year-month-day-slashes",
    "year-month-day-hyphens",
}
"""Cells that the family has under other names, and the input itself."""
SAID = blocks("""
numeric
= {order} of the date in digits, with {sign} | the date as {order}, all digits, with {sign}
= the date in numbers, {order}, with {sign}
> rewrite the date with {sign}, as {order}, in digits
> reorder the date to {order}, all digits, with {sign}
> reformat the date in numbers, {order}, with {sign}

styled
= {order} of the date, {style} | the date as {order}, {style}
= the date, {order}, {style}
> rewrite the date as {order}, {style} | reorder the date to {order}, {style}
> reformat the date, {order}, {style}

shifted
= the date {step} | the date that lies {step}, in the same format
= the ISO date {step}, seen from here
> give the date {step} | go from the date to the one {step}
> move the date to the one {step}

part
= {part} of the date | {part}, taken from the date | only {part}
= nothing but {part}
> work out {part} of the date | give {part}
> find {part}, seen from the date
""")
# name: what becomes of a date, what that is called; the last for evaluation
SHIFTS: dict[str, tuple[Callable[[date], date], tuple[str, ...]]] = {
    "two-days-later": (
        lambda d: d + timedelta(2),
        ("two days later", "2 days after it", "later by two days"),
    ),
    "week-later": (
        lambda d: d + timedelta(7),
        ("one week later", "7 days after it", "later by one week"),
    ),
    "week-earlier": (
        lambda d: d - timedelta(7),
        ("one week earlier", "7 days before it", "earlier by one week"),
    ),
    "previous-year": (
        lambda d: d.replace(year=d.year - 1),
        ("one year earlier", "with the previous year", "earlier, in the previous year"),
    ),
    "ten-years-later": (
        lambda d: d.replace(year=d.year + 10),
        ("ten years later", "a decade after it", "later by ten years, a decade"),
    ),
}
PARTS: dict[str, tuple[Callable[[date], str], tuple[str, ...]]] = {
    "following-year": (
        lambda d: str(d.year + 1),
        ("the following year as a number", "the year plus one", "the following year, plus one"),
    ),
    "year-before": (
        lambda d: str(d.year - 1),
        ("the preceding year as a number", "the year minus one", "the preceding year, minus one"),
    ),
    "following-month": (
        lambda d: f"{_month(d.month % 12 + 1):%B}",
        (
            "the name of the following month",
            "the month after, by name",
            "the name of the next month",
        ),
    ),
    "month-before": (
        lambda d: f"{_month((d.month - 2) % 12 + 1):%B}",
        (
            "the name of the preceding month",
            "the month before, by name",
            "the name of the last month",
        ),
    ),
    "two-digit-year": (
        lambda d: f"{d:%y}",
        (
            "the year in two digits",
            "the last two digits of the year",
            "the last two digits, the short year",
        ),
    ),
}


def _month(number: int) -> date:
    return date(2001, number, 1)


def _numeric(parts: str, sign: str) -> Callable[[date], str]:
    form = sign.join({"d": "%d", "m": "%m", "y": "%Y"}[part] for part in parts)
    return lambda day: f"{day:{form}}"


def _styled(parts: str, month: str, style: str) -> Callable[[date], str]:
    """Only "March 5, 2021" has a comma."""
    between = ", " if parts == "mdy" else " "

    def write(day: date) -> str:
        named = f"{day:{month}}"
        told = {"d": str(day.day), "m": named.upper() if style == "capitals" else named}
        told["y"] = str(day.year)
        first = told[parts[0]] + " " + told[parts[1]]
        return first + "".join(between + told[part] for part in parts[2:])

    return write


Called = Mapping[str, Sequence[str]]


def _cells() -> Iterator[tuple[str, Callable[[date], object], Said, Called]]:
    """Name, what becomes of a date, phrases with fields, what their values are called."""
    for order, (parts, *ordered) in ORDERS.items():
        for name, (sign, *called) in SEPARATORS.items():
            fields = {"order": ordered, "sign": called}
            yield f"{order}-{name}", _numeric(parts, sign), SAID["numeric"], fields
        for style, (month, *called) in STYLES.items():
            if order in STYLED[style]:
                fields = {"order": ordered, "style": called}
                yield f"{order}-{style}", _styled(parts, month, style), SAID["styled"], fields
    for name, (move, called) in SHIFTS.items():
        yield name, move, SAID["shifted"], {"step": called}
    for name, (take, called) in PARTS.items():
        yield name, take, SAID["part"], {"part": called}


def _group(name: str) -> str | None:
    """A short month and the same in capitals differ in nothing else, as in the family."""
    order, _, style = name.rpartition("-")
    return f"{order}-abbreviation" if style in ("short", "capitals") else None


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's ISO dates."""
    source = date(2021, 3, 25)
    made = []
    for name, of, said, called in _cells():
        if name not in ELSEWHERE:
            shown = str(of(source))
            like = f"{source} → {shown}" if name in {*SHIFTS, *PARTS} else shown
            pairs = mapped(pool, lambda text, of=of: str(of(date.fromisoformat(text))))
            made.append(ask(name, crossed(said, like, **called), NOUNS, pairs, _group(name)))
    return made
