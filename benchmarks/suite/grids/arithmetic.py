"""arithmetic: more steps and factors; a step and how its result is written; a sum written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.lexicon.asking import Said, ask, crossed
from benchmarks.suite.lexicon.reckoning import FORMS, FURTHER_FORMS, SAID

NOUNS = ("a number", "a whole number", "an integer")

WORDS = {
    **{1: "one", 2: "two", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"},
    **{3: "three", 10: "ten", 11: "eleven", 12: "twelve", 15: "fifteen", 20: "twenty"},
    **{25: "twenty-five", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 100: "a hundred"},
    **{200: "two hundred", 500: "five hundred"},
}
MORE = {
    "plus": (4, 6, 7, 8, 9, 11, 12, 15, 20, 25, 30, 40, 60, 200, 500),
    "minus": (4, 5, 6, 7, 8, 9, 11, 20, 30, 40, 50),
    "times": (4, 5, 6, 20, 50),
}
"""What the family has no task for."""
OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "plus": lambda n, by: n + by,
    "minus": lambda n, by: n - by,
    "times": lambda n, by: n * by,
}
SIGNS = {"plus": "+", "minus": "-", "times": "*"}
STEPS = (("plus", 1), ("plus", 2), ("plus", 10), ("minus", 1), ("times", 2))
FURTHER_STEPS = (
    *(("plus", 3), ("plus", 5), ("plus", 100), ("minus", 2), ("minus", 10)),
    *(("times", 3), ("times", 10)),
)


Called = Mapping[str, Sequence[str]]


def _cells() -> Iterator[tuple[str, Callable[[int], str | None], Said, Called]]:
    """Name, what becomes of a number, phrases with fields, what their values are called."""
    for kind, numbers in MORE.items():
        for by in numbers:
            name = f"{kind}-{_spelled(by)}"
            yield name, _result("{n}", kind, by), SAID[kind], {"by": _called(by)}
    for i, (kind, by) in enumerate(STEPS + FURTHER_STEPS):
        for j, (name, (form, *called)) in enumerate((FORMS | FURTHER_FORMS).items()):
            if (i + j) % 2 or (name in FORMS and (kind, by) in STEPS):
                said = SAID[f"{kind}-form"]
                fields = {"by": _called(by), "form": called}
                yield f"{kind}-{_spelled(by)}-{name}", _result(form, kind, by, 0), said, fields
    for kind, sign in SIGNS.items():
        for by in (2, 3, 5, 10):
            for name, shape in (("sign", "{{m}} {} {}"), ("equation", "{{m}} {} {} = {{n}}")):
                made = _result(shape.format(sign, by), kind, by)
                yield (
                    f"{kind}-{name}-{WORDS[by]}",
                    made,
                    SAID[f"{kind}-{name}"],
                    {"by": _called(by)},
                )


def _result(form: str, kind: str, by: int, least: int | None = None) -> Callable[[int], str | None]:
    """Fill a form with a number {m} and the result {n}, unless that is below the least."""

    def write(number: int) -> str | None:
        result = OPERATIONS[kind](number, by)
        if least is not None and result < least:
            return None
        return form.format(m=number, n=result, s="" if result == 1 else "s")

    return write


def _spelled(number: int) -> str:
    return WORDS[number].replace(" ", "-")


def _called(number: int) -> tuple[str, str, str]:
    return WORDS[number], str(number), WORDS[number]


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's numbers."""
    return [
        ask(
            name,
            crossed(said, **called),
            NOUNS,
            mapped(pool, lambda text, make=make: make(int(text))),
        )
        for name, make, said, called in _cells()
    ]
