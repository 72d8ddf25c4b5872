"""arithmetic: more steps and factors; a step and how its result is written; a sum written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed

NOUNS = ("a number", "a whole number", "an integer")

WORDS = {
    **{1: "one", 2: "two", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"},
    **{10: "ten", 20: "twenty", 30: "thirty", 50: "fifty", 200: "two hundred"},
}
MORE = {
    "plus": (4, 6, 7, 8, 9, 20, 30, 200),
    "minus": (4, 5, 20, 30, 50),
    "times": (4, 5, 20),
}
"""What the family has no task for."""
OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "plus": lambda n, by: n + by,
    "minus": lambda n, by: n - by,
    "times": lambda n, by: n * by,
}
SIGNS = {"plus": "+", "minus": "-", "times": "*"}
STEPS = (("plus", 1), ("plus", 2), ("plus", 10), ("minus", 1), ("times", 2))
# name: how a result is written, what that is called; the last for evaluation
FORMS: dict[str, tuple[str, ...]] = {
    "percent": ("{n}%", "a percent sign after it", "the sign % at its end", "a trailing %"),
    "dollar": ("${n}", "a dollar sign before it", "the sign $ in front", "a leading $"),
    "points": ("{n} point{s}", "the word points after it", "points as its unit", "points behind"),
}
SAID = blocks("""
plus
= the number plus {by} | {by} more than the number | the sum of the number and {by}
= the number increased by {by}
> add {by} to the number | increase the number by {by} | count up {by} from the number
> make the number larger by {by}

minus
= the number minus {by} | {by} less than the number | the difference of the number and {by}
= the number decreased by {by}
> subtract {by} from the number | decrease the number by {by} | count down {by} from the number
> make the number smaller by {by}

times
= the number times {by} | {by} times the number | the product of the number and {by}
= the number multiplied by {by}
> multiply the number by {by} | compute {by} times the number
> multiply the number by the factor {by}

plus-form
= the number plus {by}, with {form} | {by} more than the number, with {form}
= the number increased by {by}, with {form}
> add {by} to the number and write the sum with {form} | increase by {by} and write it with {form}
> make the number larger by {by}, and show it with {form}

minus-form
= the number minus {by}, with {form} | {by} less than the number, with {form}
= the number decreased by {by}, with {form}
> subtract {by} and write the difference with {form} | decrease by {by} and write it with {form}
> make the number smaller by {by}, and show it with {form}

times-form
= the number times {by}, with {form} | {by} times the number, with {form}
= the number multiplied by {by}, with {form}
> multiply by {by} and write the product with {form} | take it {by} times and write it with {form}
> multiply the number by the factor {by}, and show it with {form}

plus-sign
= the expression of adding {by}, with a plus sign | the number, a plus sign and {by}
= the formula for adding {by}, with a plus sign
> write the number, a plus sign and {by} | write down the expression for adding {by}
> write the formula for adding {by}, with a plus sign

minus-sign
= the expression of subtracting {by}, with a minus sign | the number, a minus sign and {by}
= the formula for subtracting {by}, with a minus sign
> write the number, a minus sign and {by} | write down the expression for subtracting {by}
> write the formula for subtracting {by}, with a minus sign

times-sign
= the expression of multiplying by {by}, with a star sign | the number, a star sign and {by}
= the formula for multiplying by {by}, with a star sign
> write the number, a star sign and {by} | write down the expression for multiplying by {by}
> write the formula for multiplying by {by}, with a star sign
""")


Called = Mapping[str, Sequence[str]]


def _cells() -> Iterator[tuple[str, Callable[[int], str], Said, Called]]:
    """Name, what becomes of a number, phrases with fields, what their values are called."""
    for kind, numbers in MORE.items():
        for by in numbers:
            name = f"{kind}-{WORDS[by].replace(' ', '-')}"
            yield name, _result("{n}", kind, by), SAID[kind], {"by": _called(by)}
    for kind, by in STEPS:
        for name, (form, *called) in FORMS.items():
            said = SAID[f"{kind}-form"]
            fields = {"by": _called(by), "form": called}
            yield f"{kind}-{WORDS[by]}-{name}", _result(form, kind, by), said, fields
    for kind, sign in SIGNS.items():
        for by in (2, 10):
            written = _written(f"{{n}} {sign} {by}")
            yield f"{kind}-sign-{WORDS[by]}", written, SAID[f"{kind}-sign"], {"by": _called(by)}


def _result(form: str, kind: str, by: int) -> Callable[[int], str]:
    write, compute = _written(form), OPERATIONS[kind]
    return lambda number: write(compute(number, by))


def _written(form: str) -> Callable[[int], str]:
    return lambda number: form.format(n=number, s="" if number == 1 else "s")


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
