"""dates: which parts and in which order, separator, style of the month; a date or part moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed

NOUNS = ("a date", "an ISO date", "a date as year-month-day")

# name: the parts in their order, what they are called; the last for evaluation
ORDERS: dict[str, tuple[str, ...]] = {
    "day-month-year": ("dmy", "day, month and year", "DD MM YYYY, the day first", "DMY, day first"),
    "month-day-year": (
        "mdy",
        "month, day and year",
        "MM DD YYYY, the month first",
        "MDY, month first",
    ),
    "year-month-day": (
        "ymd",
        "year, month and day",
        "YYYY MM DD, the year first",
        "YMD, year first",
    ),
    "day-month": ("dm", "day and month", "DD MM, the day first, without year", "DM, day and month"),
    "month-day": (
        "md",
        "month and day",
        "MM DD, the month first, without year",
        "MD, month and day",
    ),
    "month-year": ("my", "month and year", "MM YYYY, without day", "MY, month and year"),
    "year-month": (
        "ym",
        "year and month",
        "YYYY MM, the year first, without day",
        "YM, year and month",
    ),
}
SEPARATORS: dict[str, tuple[str, ...]] = {
    "slashes": ("/", "slashes", "a slash between them", "slashes, /"),
    "dots": (".", "dots", "a full stop between them", "dots, ."),
    "hyphens": ("-", "hyphens", "a hyphen between them", "hyphens, -"),
}
# name: the month, what that is called; the last for evaluation
STYLES: dict[str, tuple[str, ...]] = {
    "full": (
        "%B",
        "with the full month name",
        "with the month in words",
        "with the month's full name",
    ),
    "short": (
        "%b",
        "with the month in three letters",
        "with a short month like Mar",
        "with the short month",
    ),
    "capitals": (
        "%b",
        "with the month in capitals",
        "with an upper-case month like MAR",
        "with the month all in capitals",
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
= {order} of the date in digits, with {sign} | the date as {order}, all digits, with {sign}
= the date in numbers, {order}, with {sign}
> rewrite the date with {sign}, as {order}, in digits | give in digits, with {sign}, {order}
> reformat the date in numbers, {order}, with {sign}

styled
= {order} of the date, {style} | the date as {order}, {style}
= the date, {order}, {style}
> rewrite the date as {order}, {style} | give, {style}, {order} of the date
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
        ("the name of the following month", "next month's name", "the name of the next month"),
    ),
    "month-before": (
        lambda d: f"{_month((d.month - 2) % 12 + 1):%B}",
        ("the name of the preceding month", "last month's name", "the name of the last month"),
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


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's ISO dates."""
    return [
        ask(
            name,
            crossed(said, str(of(date(2021, 3, 25))), **called),
            NOUNS,
            mapped(pool, lambda text, of=of: str(of(date.fromisoformat(text)))),
        )
        for name, of, said, called in _cells()
        if name not in ELSEWHERE
    ]
