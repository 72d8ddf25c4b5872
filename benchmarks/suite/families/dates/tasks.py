"""The tasks that stand alone: parts of a date, formats, labels and neighbours."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, describe_each
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.dates.grid import INPUT_NOUNS, grid_drafts

SEASONS = ("winter", "spring", "summer", "autumn")
FUNCTIONS: dict[str, Callable[[date], str]] = {
    "year": lambda d: f"{d:%Y}",
    "month-number": lambda d: str(d.month),
    "month-name": lambda d: f"{d:%B}",
    "month-short": lambda d: f"{d:%b}",
    "month-capitals": lambda d: f"{d:%b}".upper(),
    "day-number": lambda d: str(d.day),
    "day-ordinal": lambda d: f"{d.day}{_ordinal_suffix(d.day)}",
    "short-year": lambda d: f"'{d:%y}",
    "american-long": lambda d: f"{d:%B} {d.day}, {d.year}",
    "british-long": lambda d: f"{d.day} {d:%B} {d.year}",
    "day-first-slashes": lambda d: f"{d:%d/%m/%Y}",
    "month-first-slashes": lambda d: f"{d:%m/%d/%Y}",
    "german-dots": lambda d: f"{d:%d.%m.%Y}",
    "year-first-slashes": lambda d: f"{d:%Y/%m/%d}",
    "compact": lambda d: f"{d:%Y%m%d}",
    "quarter": lambda d: f"Q{(d.month + 2) // 3}",
    "season": lambda d: SEASONS[d.month % 12 // 3],
    "century": lambda d: "20th century" if d.year <= 2000 else "21st century",
    "decade": lambda d: f"{d.year // 10}0s",
    "half-of-month": lambda d: "early" if d.day <= 15 else "late",
    "half-of-year": lambda d: "H1" if d.month <= 6 else "H2",
    "next-day": lambda d: str(d + timedelta(days=1)),
    "previous-day": lambda d: str(d - timedelta(days=1)),
    "next-year": lambda d: str(d.replace(year=d.year + 1)),
    "month-and-year": lambda d: f"{d:%B %Y}",
    "day-and-month": lambda d: f"{d.day} {d:%B}",
    "first-of-month": lambda d: str(d.replace(day=1)),
}
PHRASES = read_toml(Path(__file__).with_name("phrases.toml"), dict[str, Phrases], keys=FUNCTIONS)
GROUPS = {"month-short": "month-abbreviation", "month-capitals": "month-abbreviation"}


def tasks() -> list[Draft]:
    """Return the drafts of the family, the grid's last."""
    dates = draw_dates()
    pairs = {
        name: map_inputs(dates, lambda text, function=function: function(date.fromisoformat(text)))
        for name, function in FUNCTIONS.items()
    }
    return [*describe_each(PHRASES, INPUT_NOUNS, pairs, GROUPS), *grid_drafts(dates)]


def draw_dates() -> tuple[str, ...]:
    """Return 200 ISO dates between 1950 and 2039, none of them the 29th of February."""
    draw = random.Random("dates")
    first = date(1950, 1, 1)
    days = (first + timedelta(days=n) for n in draw.sample(range(90 * 365), 220))
    return tuple(str(day) for day in days if (day.month, day.day) != (2, 29))[:200]


def _ordinal_suffix(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
