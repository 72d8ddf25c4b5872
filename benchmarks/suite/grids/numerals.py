"""numerals: a currency and how it is written, a unit, a label and its numeral, a magnitude."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.lexicon.asking import Said, ask, crossed
from benchmarks.suite.lexicon.numbered import (
    CURRENCIES,
    LABELS,
    LEADS,
    MAGNITUDES,
    MEASURED,
    MONEY,
    NUMBERED,
    UNITS,
)
from benchmarks.suite.lexicon.numbering import AMOUNT, LABELLED, MAGNITUDE, UNIT

NOUNS = ("a number", "a number in digits", "an integer")
ELSEWHERE = {
    *("dollars-sign-before", "euros-code-after", "kilometres-short", "page-digits"),
    "magnitude-million",
}
"""Cells that the family has under other names."""

Called = Mapping[str, str | Sequence[str]]
Cell = tuple[str, str, Said, Called]
"""Name, what is written, phrases with fields, what their values are called."""


def _cells() -> Iterator[Cell]:
    for name, (sign, code, noun) in CURRENCIES.items():
        called = {"many": name, "sign": sign, "code": code}
        for form, written in MONEY.items():
            filled = _filled(written, sign=sign, code=code, noun=noun)
            yield f"{name}-{form}", filled, (AMOUNT | UNIT)[form], called
    for name, short in UNITS.items():
        called = {"many": name, "code": short}
        for form, written in MEASURED.items():
            filled = _filled(written, code=short, noun=f"{name[:-1]}{{s}}")
            yield f"{name}-{form}", filled, UNIT[form], called
    for label in LABELS:
        for form, written in NUMBERED.items():
            filled = _filled(written, label=label)
            yield f"{label}-{form}", filled, LABELLED[form], {"label": label}
    for name, (written, *sized) in MAGNITUDES.items():
        yield f"magnitude-{name}", written, MAGNITUDE["plain"], {"size": sized}
        for lead, (front, *led) in LEADS.items():
            called = {"size": sized, "lead": led}
            yield f"magnitude-{name}-{lead}", f"{front}{written}", MAGNITUDE["led"], called


def _filled(written: str, **values: str) -> str:
    """Some of the fields; those that depend on the number stay."""
    for field, value in values.items():
        written = written.replace(f"{{{field}}}", value)
    return written


def cells(pool: Sequence[str], writers: Mapping[str, Callable[[int], str]]) -> list[Draft]:
    """One draft per cell, over the family's numbers.

    Args:
        pool: numbers in digits.
        writers: how the family writes "english-words", "ordinal" and "roman".
    """
    values = {
        text: {
            "n": text,
            "s": "" if text == "1" else "s",
            "nth": writers["ordinal"](int(text)),
            "roman": writers["roman"](int(text)),
            "words": writers["english-words"](int(text)),
        }
        for text in pool
    }
    return [
        ask(
            name,
            crossed(said, form.format(**values["21"]), **called),
            NOUNS,
            mapped(pool, lambda text, form=form: form.format(**values[text])),
        )
        for name, form, said, called in _cells()
        if name not in ELSEWHERE
    ]
