"""dates: which parts and in which order, separator, style of the month; a date or part moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed

NOUNS = ("a date", "an ISO date", "a date as year-month-day")

# name: the parts in their order, what they are called; the last for evaluation
ORDERS: dict[str, tuple[str, ...]] = {
    "day-month-year": (
        "dmy",
        "day, month and year",
        "the day, the month and the year",
        "first the day, then the month, then the year",
    ),
    "month-day-year": (
        "mdy",
        "month, day and year",
        "the month, the day and the year",
        "first the month, then the day, then the year",
    ),
    "year-month-day": (
        "ymd",
        "year, month and day",
        "the year, the month and the day",
        "first the year, then the month, then the day",
    ),
    "day-month": ("dm", "day and month", "the day and the month", "only day, then month"),
    "month-day": ("md", "month and day", "the month and the day", "only month, then day"),
    "month-year": ("my", "month and year", "the month and the year", "only month, then year"),
    "year-month": ("ym", "year and month", "the year and the month", "only year, then month"),
}
SEPARATORS: dict[str, tuple[str, ...]] = {
    "slashes": ("/", "slashes", "a slash between them", "strokes (/)"),
    "dots": (".", "dots", "a full stop between them", "periods (.)"),
    "hyphens": ("-", "hyphens", "a hyphen between them", "dashes (-)"),
}
# name: the month, what that is called; the last for evaluation
STYLES: dict[str, tuple[str, ...]] = {
    "full": ("%B", "the month in words", "the full name of the month", "the month unabbreviated"),
    "short": ("%b", "the month in three letters", "the month abbreviated", "the month cut short"),
    "capitals": (
        "%b",
        "the month in three capital letters",
        "the month abbreviated in upper case",
        "the month cut short, all capitals",
    ),
}
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
= {order} of the date in digits, with {sign} | the date as {order}, in numbers with {sign}
= the date in figures, {order}, split by {sign}
> convert the date to {order}, in digits with {sign}
> rewrite the date as {order}, in numbers with {sign}
> reformat the date in figures, {order}, split by {sign}

styled
= {order} of the date, with {style} | the date as {order}, with {style}
= the date, {order}, and {style}
> convert the date to {order}, with {style} | rewrite the date as {order}, with {style}
> reformat the date, {order}, and {style}

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
        ("two days later", "2 days after it", "after two more days"),
    ),
    "week-later": (
        lambda d: d + timedelta(7),
        ("one week later", "7 days after it", "after a week"),
    ),
    "week-earlier": (
        lambda d: d - timedelta(7),
        ("one week earlier", "7 days before it", "a week ago"),
    ),
    "previous-year": (
        lambda d: d.replace(year=d.year - 1),
        ("one year earlier", "with the previous year", "a year ago"),
    ),
    "ten-years-later": (
        lambda d: d.replace(year=d.year + 10),
        ("ten years later", "a decade after it", "after ten more years"),
    ),
}
PARTS: dict[str, tuple[Callable[[date], str], tuple[str, ...]]] = {
    "following-year": (
        lambda d: str(d.year + 1),
        ("the following year as a number", "the year plus one", "next year's number"),
    ),
    "year-before": (
        lambda d: str(d.year - 1),
        ("the preceding year as a number", "the year minus one", "last year's number"),
    ),
    "following-month": (
        lambda d: f"{_month(d.month % 12 + 1):%B}",
        ("the name of the following month", "next month's name", "the month to come, in words"),
    ),
    "month-before": (
        lambda d: f"{_month((d.month - 2) % 12 + 1):%B}",
        ("the name of the preceding month", "last month's name", "the month just past, in words"),
    ),
    "two-digit-year": (
        lambda d: f"{d:%y}",
        ("the year in two digits", "the last two digits of the year", "the year as 00 to 99"),
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


def _cells() -> Iterator[tuple[str, Callable[[date], object], Said]]:
    """Name, what becomes of a date, how that is said."""
    for order, (parts, *ordered) in ORDERS.items():
        for name, (sign, *called) in SEPARATORS.items():
            said = crossed(SAID["numeric"], order=ordered, sign=called)
            yield f"{order}-{name}", _numeric(parts, sign), said
        for style, (month, *called) in STYLES.items():
            if order in STYLED[style]:
                said = crossed(SAID["styled"], order=ordered, style=called)
                yield f"{order}-{style}", _styled(parts, month, style), said
    for name, (move, called) in SHIFTS.items():
        yield name, move, crossed(SAID["shifted"], step=called)
    for name, (take, called) in PARTS.items():
        yield name, take, crossed(SAID["part"], part=called)


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's ISO dates."""
    return [
        ask(name, said, NOUNS, mapped(pool, lambda text, of=of: str(of(date.fromisoformat(text)))))
        for name, of, said in _cells()
        if name not in ELSEWHERE
    ]
