"""What may be read off a date, next to its own year, month and day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from benchmarks.suite.lexicon.shifted import last


def _month(d: date, count: int) -> date:
    return date(2001, (d.month - 1 + count) % 12 + 1, 1)


def _ordinal(number: int) -> str:
    """Of a number up to twelve."""
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number, "th")
    return f"{number}{suffix}"


# name: what becomes of a date, what that is called; the last for evaluation
READINGS: dict[str, tuple[Callable[[date], object], tuple[str, ...]]] = {
    "following-year": (
        lambda d: d.year + 1,
        ("the following year as a number", "the year plus one", "the following year, plus one"),
    ),
    "year-before": (
        lambda d: d.year - 1,
        ("the preceding year as a number", "the year minus one", "the preceding year, minus one"),
    ),
    "following-month": (
        lambda d: f"{_month(d, 1):%B}",
        (
            "the name of the following month",
            "the month after, by name",
            "the name of the next month",
        ),
    ),
    "month-before": (
        lambda d: f"{_month(d, -1):%B}",
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
    "short-following-month": (
        lambda d: f"{_month(d, 1):%b}",
        (
            "the following month in three letters",
            "the month after, abbreviated",
            "the abbreviated name of the next month",
        ),
    ),
    "short-month-before": (
        lambda d: f"{_month(d, -1):%b}",
        (
            "the preceding month in three letters",
            "the month before, abbreviated",
            "the abbreviated name of the last month",
        ),
    ),
    "month-ordinal": (
        lambda d: _ordinal(d.month),
        (
            "the number of the month as an ordinal",
            "its month's place in the year, with st, nd, rd or th",
            "the rank of the month",
        ),
    ),
    "days-of-month": (
        lambda d: last(d).day,
        (
            "the number of days in the month",
            "the length of its month in days",
            "the total of days in that month",
        ),
    ),
    "days-left": (
        lambda d: last(d).day - d.day,
        (
            "the number of days left in the month after the day",
            "the count of the remaining days of its month",
            "the days still to come in that month, counted",
        ),
    ),
    "quarter-in-words": (
        lambda d: f"{('first', 'second', 'third', 'fourth')[(d.month - 1) // 3]} quarter",
        (
            "the quarter of the year in words",
            "the quarter, spelled out as an ordinal",
            "the quarter by its rank in words",
        ),
    ),
    "half-in-words": (
        lambda d: "first half" if d.month <= 6 else "second half",
        (
            "the half of the year in words, first half or second half",
            "the half-year, spelled out as first half or second half",
            "the half of its year as words",
        ),
    ),
}
