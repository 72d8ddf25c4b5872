"""Dates some days, months or years away, or where a month or year ends."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Names

LAST_COMMON_DAY = 28
"""The last day that every month has."""


def last_of_month(d: date) -> date:
    """Return the last day of the month."""
    return d.replace(day=monthrange(d.year, d.month)[1])


def _days(count: int) -> Callable[[date], date]:
    return lambda d: d + timedelta(count)


def _months(count: int) -> Callable[[date], date | None]:
    """Return a function that gives None for days that the other month may not have."""

    def shift(d: date) -> date | None:
        years, month = divmod(d.month - 1 + count, 12)
        if d.day > LAST_COMMON_DAY:
            return None
        return d.replace(year=d.year + years, month=month + 1)

    return shift


def _years(count: int) -> Callable[[date], date]:
    return lambda d: d.replace(year=d.year + count)


SHIFTS: dict[str, Callable[[date], date | None]] = {
    "two-days-later": _days(2),
    "week-later": _days(7),
    "week-earlier": _days(-7),
    "previous-year": _years(-1),
    "ten-years-later": _years(10),
    "two-days-earlier": _days(-2),
    "three-days-later": _days(3),
    "three-days-earlier": _days(-3),
    "ten-days-later": _days(10),
    "two-weeks-later": _days(14),
    "month-later": _months(1),
    "month-earlier": _months(-1),
    "six-months-later": _months(6),
    "two-years-later": _years(2),
    "two-years-earlier": _years(-2),
    "ten-years-earlier": _years(-10),
    "hundred-years-later": _years(100),
    "last-of-month": last_of_month,
    "first-of-year": lambda d: d.replace(month=1, day=1),
    "last-of-year": lambda d: d.replace(month=12, day=31),
}
SHIFT_NAMES = read_toml(Path(__file__).with_name("shifts.toml"), dict[str, Names], keys=SHIFTS)
