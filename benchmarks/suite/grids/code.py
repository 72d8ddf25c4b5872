"""code: a case and what is put around it; a separator and the order of the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.lexicon.asking import Said, ask, crossed
from benchmarks.suite.lexicon.cases import CASES
from benchmarks.suite.lexicon.naming import AROUND, SAID
from benchmarks.suite.lexicon.separators import SEPARATORS

NOUNS = ("a pair of words", "an adjective and a noun", "a phrase of two words")
ELSEWHERE = {
    *("constant-dollar", "joined-space", "joined-underscore", "joined-hyphen", "joined-dot"),
    *("joined-slash", "joined-semicolon"),
}
"""Cells that the family has under other names, or that change nothing."""


def fill(form: str, text: str) -> str:
    """Two words in a form: {a} {b} as typed, {A} {B} capitalised, {UA} {UB} upper case."""
    a, b = text.split()
    upper = {"UA": a.upper(), "UB": b.upper()}
    return form.format(a=a, b=b, A=a.capitalize(), B=b.capitalize(), **upper)


def _cells() -> Iterator[tuple[str, str, Said, Mapping[str, Sequence[str]]]]:
    """Name, form, phrases with a field, what its value is called."""
    for (around, outer), (name, (inner, *called)) in product(AROUND.items(), CASES.items()):
        yield f"{name}-{around}", outer.replace("{x}", inner), SAID[around], {"case": called}
    for name, (between, *called) in SEPARATORS.items():
        yield f"joined-{name}", f"{{a}}{between}{{b}}", SAID["forward"], {"joined": called}
        yield f"reversed-{name}", f"{{b}}{between}{{a}}", SAID["backward"], {"joined": called}


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's phrases of two words."""
    return [
        ask(
            name,
            crossed(said, fill(form, "red apple"), **called),
            NOUNS,
            mapped(pool, lambda text, form=form: fill(form, text)),
        )
        for name, form, said, called in _cells()
        if name not in ELSEWHERE
    ]
