"""Series of three numbers with a constant step, and their terms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Names

INPUT_NOUNS = ("three numbers in a row", "a series of three numbers")
EXAMPLE = "20, 25, 30"
TERMS: dict[str, Callable[[int, int], object]] = {
    "next": lambda last, by: last + by,
    "after-next": lambda last, by: last + 2 * by,
    "previous": lambda last, by: last - 3 * by,
    "step": lambda last, by: by,
    "third-next": lambda last, by: last + 3 * by,
    "next-two": lambda last, by: f"{last + by}, {last + 2 * by}",
    "backwards": lambda last, by: f"{last}, {last - by}, {last - 2 * by}",
    "sum": lambda last, by: 3 * (last - by),
    "ends": lambda last, by: 2 * (last - by),
    "negative": lambda last, by: -(last + by),
}
"""Functions of the last term and the step."""
TERM_NAMES = read_toml(Path(__file__).with_name("terms.toml"), dict[str, Names], keys=TERMS)


def number_series() -> tuple[str, ...]:
    """Return series of which the number before the first is positive."""
    starts = ((by, range(by + 1, by + 37)) for by in (1, 2, 3, 4, 5, 10))
    return tuple(f"{n}, {n + by}, {n + 2 * by}" for by, first in starts for n in first)


def term(name: str, text: str) -> str:
    """Return a term of a series."""
    first, second, last = map(int, text.split(", "))
    return str(TERMS[name](last, second - first))
