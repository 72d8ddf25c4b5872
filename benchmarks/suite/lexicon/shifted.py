"""A date moved by some days, months or years, or to where its month or year ends."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

SURE = 28
"""A day of the month that every month has."""


def _days(count: int) -> Callable[[date], date]:
    return lambda d: d + timedelta(count)


def _months(count: int) -> Callable[[date], date | None]:
    """None for the last days of a month, which the other may not have."""

    def moved(d: date) -> date | None:
        years, month = divmod(d.month - 1 + count, 12)
        return d.replace(year=d.year + years, month=month + 1) if d.day <= SURE else None

    return moved


def _years(count: int) -> Callable[[date], date]:
    return lambda d: d.replace(year=d.year + count)


def last(d: date) -> date:
    return d.replace(day=monthrange(d.year, d.month)[1])


# name: what becomes of a date, what that is called; the last for evaluation
SHIFTS: dict[str, tuple[Callable[[date], date | None], tuple[str, ...]]] = {
    "two-days-later": (_days(2), ("two days later", "2 days after it", "later by two days")),
    "week-later": (_days(7), ("one week later", "7 days after it", "later by one week")),
    "week-earlier": (_days(-7), ("one week earlier", "7 days before it", "earlier by one week")),
    "previous-year": (
        _years(-1),
        ("one year earlier", "with the previous year", "earlier, in the previous year"),
    ),
    "ten-years-later": (
        _years(10),
        ("ten years later", "a decade after it", "later by ten years, a decade"),
    ),
    "two-days-earlier": (
        _days(-2),
        ("two days earlier", "2 days before it", "earlier by two days"),
    ),
    "three-days-later": (
        _days(3),
        ("three days later", "3 days after it", "later by three days"),
    ),
    "three-days-earlier": (
        _days(-3),
        ("three days earlier", "3 days before it", "earlier by three days"),
    ),
    "ten-days-later": (_days(10), ("ten days later", "10 days after it", "later by ten days")),
    "two-weeks-later": (
        _days(14),
        ("two weeks later", "14 days after it", "later by two weeks"),
    ),
    "month-later": (
        _months(1),
        ("one month later", "on the same day of the following month", "later by one month"),
    ),
    "month-earlier": (
        _months(-1),
        ("one month earlier", "on the same day of the preceding month", "earlier by one month"),
    ),
    "six-months-later": (
        _months(6),
        ("six months later", "half a year after it", "later by six months"),
    ),
    "two-years-later": (
        _years(2),
        ("two years later", "2 years after it, on the same day", "later by two years"),
    ),
    "two-years-earlier": (
        _years(-2),
        ("two years earlier", "2 years before it, on the same day", "earlier by two years"),
    ),
    "ten-years-earlier": (
        _years(-10),
        ("ten years earlier", "a decade before it", "earlier by ten years, a decade"),
    ),
    "hundred-years-later": (
        _years(100),
        ("a hundred years later", "a century after it", "later by a hundred years, a century"),
    ),
    "last-of-month": (
        last,
        (
            "at the very end of the same month",
            "on the last day of its month",
            "where the month ends",
        ),
    ),
    "first-of-year": (
        lambda d: d.replace(month=1, day=1),
        ("on the 1st of January of that year", "at the start of its year", "where the year begins"),
    ),
    "last-of-year": (
        lambda d: d.replace(month=12, day=31),
        ("on the 31st of December of that year", "at the end of its year", "where the year ends"),
    ),
}
