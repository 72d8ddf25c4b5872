"""dates: which parts and in which order, separator, style of the month; a date or part moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.lexicon.asking import Said, ask, blocks, crossed
from benchmarks.suite.lexicon.dated import ORDERS, PARTS, SEPARATORS, STYLED, STYLES
from benchmarks.suite.lexicon.read_off import READINGS
from benchmarks.suite.lexicon.shifted import SHIFTS

NOUNS = ("a date", "an ISO date", "a date as year-month-day")

ELSEWHERE = {
    *("day-month-year-slashes", "month-day-year-slashes", "day-month-year-dots"),
    "year-month-day-slashes",
    "year-month-day-hyphens",
}
"""Cells that the family has under other names, and the input itself."""
SAID = blocks("""
numeric
= {order} of the date in digits, with {sign} | the date as {order}, all digits, with {sign}
= the same date as {order} in digits, with {sign} | the date in digits only: {order}, with {sign}
= the date in numbers, {order}, with {sign}
> rewrite the date with {sign}, as {order}, in digits
> reorder the date to {order}, all digits, with {sign}
> change the date to {order} in digits, using {sign}
> convert the date, keeping the digits, to {order} with {sign}
> reformat the date in numbers, {order}, with {sign}

styled
= {order} of the date, {style} | the date as {order}, {style}
= the same date as {order}, {style} | the date put as {order}, {style}
= the date, {order}, {style}
> rewrite the date as {order}, {style} | reorder the date to {order}, {style}
> change the date to {order}, {style} | convert the date to {order}, {style}
> reformat the date, {order}, {style}

shifted
= the date {step} | the date that lies {step}, in the same format
= the date to be found {step}, year first | the day {step}, again as year-month-day
= the ISO date {step}, seen from here
> give the date {step} | go from the date to the one {step}
> work out which date lies {step} | write the day {step}, again in ISO format
> move the date to the one {step}

part
= {part}, given the date | {part}, going by the date | only {part}
= {part} and nothing more
= nothing but {part}
> work out {part}, given the date | give {part}
> look at the date and tell {part} | write {part}, dropping all else
> find {part}, seen from the date
""")


def _numeric(parts: str, sign: str) -> Callable[[date], str]:
    form = sign.join(PARTS[part] for part in parts)
    return lambda day: f"{day:{form}}"


def _styled(parts: str, month: str, style: str) -> Callable[[date], str]:
    """Only "March 5, 2021" and its like have a comma."""
    between = ", " if parts[:2] == "md" else " "

    def write(day: date) -> str:
        named = f"{day:{month}}"
        told = {"d": str(day.day), "m": named.upper() if style == "capitals" else named}
        told |= {"y": str(day.year), "Y": f"{day:%y}"}
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
    for name, (take, called) in READINGS.items():
        yield name, take, SAID["part"], {"part": called}


def _group(name: str) -> str | None:
    """A short month and the same in capitals differ in nothing else, as in the family."""
    order, _, style = name.rpartition("-")
    return f"{order}-abbreviation" if style in ("short", "capitals") else None


def _written(of: Callable[[date], object]) -> Callable[[str], str | None]:
    def told(text: str) -> str | None:
        made = of(date.fromisoformat(text))
        return None if made is None else str(made)

    return told


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's ISO dates."""
    source = date(2021, 3, 25)
    made = []
    for name, of, said, called in _cells():
        if name not in ELSEWHERE:
            shown = str(of(source))
            like = f"{source} → {shown}" if name in {*SHIFTS, *READINGS} else shown
            pairs = mapped(pool, _written(of))
            made.append(ask(name, crossed(said, like, **called), NOUNS, pairs, _group(name)))
    return made
