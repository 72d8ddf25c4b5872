"""What may be read off a date, next to its own year, month and day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Names
from benchmarks.suite.families.dates.shifts import last_of_month

QUARTERS = ("first", "second", "third", "fourth")


def _month(d: date, count: int) -> date:
    """Return a date in the month that is `count` months away; its year means nothing."""
    return date(2001, (d.month - 1 + count) % 12 + 1, 1)


def _month_ordinal(d: date) -> str:
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(d.month, "th")
    return f"{d.month}{suffix}"


PARTS: dict[str, Callable[[date], object]] = {
    "following-year": lambda d: d.year + 1,
    "year-before": lambda d: d.year - 1,
    "following-month": lambda d: f"{_month(d, 1):%B}",
    "month-before": lambda d: f"{_month(d, -1):%B}",
    "two-digit-year": lambda d: f"{d:%y}",
    "short-following-month": lambda d: f"{_month(d, 1):%b}",
    "short-month-before": lambda d: f"{_month(d, -1):%b}",
    "month-ordinal": _month_ordinal,
    "days-of-month": lambda d: last_of_month(d).day,
    "days-left": lambda d: last_of_month(d).day - d.day,
    "quarter-in-words": lambda d: f"{QUARTERS[(d.month - 1) // 3]} quarter",
    "half-in-words": lambda d: "first half" if d.month <= 6 else "second half",
}
PART_NAMES = read_toml(Path(__file__).with_name("parts.toml"), dict[str, Names], keys=PARTS)
