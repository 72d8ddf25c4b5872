"""Order of the parts by separator or by style of the month; shifts; parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import NamedValue, Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.dates.parts import PART_NAMES, PARTS
from benchmarks.suite.families.dates.shifts import SHIFT_NAMES, SHIFTS

INPUT_NOUNS = ("a date", "an ISO date", "a date as year-month-day")
EXAMPLE = date(2021, 3, 25)


@dataclass(frozen=True, slots=True)
class MonthStyle(NamedValue):
    """How a month is written, as a strftime code; without `orders` it is in each of them."""

    orders: tuple[str, ...] = ()


_FOLDER = Path(__file__).parent
PHRASES = read_toml(
    _FOLDER / "grid_phrases.toml",
    dict[str, Phrases],
    keys=("numeric", "styled", "shifted", "part"),
)
ORDERS = read_toml(_FOLDER / "orders.toml", dict[str, NamedValue])
SEPARATORS = read_toml(_FOLDER / "separators.toml", dict[str, NamedValue])
MONTH_STYLES = read_toml(_FOLDER / "month_styles.toml", dict[str, MonthStyle])
NUMERIC_CODES = {"d": "%d", "m": "%m", "y": "%Y", "Y": "%y"}
DUPLICATES = {
    *("day-month-year-slashes", "month-day-year-slashes", "day-month-year-dots"),
    "year-month-day-slashes",
    "year-month-day-hyphens",
}
"""Cells that the family has under other names, and the input itself."""

Rule = Callable[[date], object]


def grid_drafts(dates: Sequence[str]) -> list[Draft]:
    """Return one draft per cell, over ISO dates."""
    return [
        describe(name, phrases, INPUT_NOUNS, map_inputs(dates, _on_text(rule)), _group(name))
        for cells in (_formats(), _shifts(), _parts())
        for name, rule, phrases in cells
        if name not in DUPLICATES
    ]


def _formats() -> Iterator[tuple[str, Rule, Phrases]]:
    for order, parts in ORDERS.items():
        for name, separator in SEPARATORS.items():
            rule = _numeric(parts.value, separator.value)
            shown = str(rule(EXAMPLE))
            phrases = fill_fields(PHRASES["numeric"], shown, order=parts, sign=separator)
            yield f"{order}-{name}", rule, phrases
        for name, style in MONTH_STYLES.items():
            if not style.orders or order in style.orders:
                rule = _styled(parts.value, style.value, upper=name == "capitals")
                shown = str(rule(EXAMPLE))
                phrases = fill_fields(PHRASES["styled"], shown, order=parts, style=style)
                yield f"{order}-{name}", rule, phrases


def _shifts() -> Iterator[tuple[str, Rule, Phrases]]:
    for name, rule in SHIFTS.items():
        shown = f"{EXAMPLE} → {rule(EXAMPLE)}"
        yield name, rule, fill_fields(PHRASES["shifted"], shown, step=SHIFT_NAMES[name])


def _parts() -> Iterator[tuple[str, Rule, Phrases]]:
    for name, rule in PARTS.items():
        shown = f"{EXAMPLE} → {rule(EXAMPLE)}"
        yield name, rule, fill_fields(PHRASES["part"], shown, part=PART_NAMES[name])


def _numeric(parts: str, separator: str) -> Rule:
    form = separator.join(NUMERIC_CODES[part] for part in parts)
    return lambda day: f"{day:{form}}"


def _styled(parts: str, month: str, upper: bool) -> Rule:
    """Put a comma only into "March 5, 2021" and its like."""
    separator = ", " if parts[:2] == "md" else " "

    def write(day: date) -> str:
        name = f"{day:{month}}"
        texts = {"d": str(day.day), "m": name.upper() if upper else name}
        texts |= {"y": str(day.year), "Y": f"{day:%y}"}
        first = texts[parts[0]] + " " + texts[parts[1]]
        return first + "".join(separator + texts[part] for part in parts[2:])

    return write


def _group(name: str) -> str | None:
    """Group a short month and the same in capitals, which differ in nothing else."""
    order, _, style = name.rpartition("-")
    return f"{order}-abbreviation" if style in ("short", "capitals") else None


def _on_text(rule: Rule) -> Callable[[str], str | None]:
    def apply(text: str) -> str | None:
        output = rule(date.fromisoformat(text))
        return None if output is None else str(output)

    return apply
