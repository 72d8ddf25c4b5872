"""arithmetic: more steps and factors; a step and how its result is written; a sum written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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
= the number taken {by} times
> multiply the number by {by} | compute {by} times the number
> make the number larger by the factor {by}

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
= the number taken {by} times, with {form}
> multiply by {by} and write the product with {form} | take it {by} times and write it with {form}
> make the number larger by the factor {by}, and show it with {form}

plus-sign
= the addition of {by} as an expression, not worked out | the number, a plus sign and {by}
= the sum with {by}, merely written down with +
> write the number, a plus sign and {by}, without adding | write down the addition of {by}, unsolved
> state with + that {by} is to be added

minus-sign
= the subtraction of {by} as an expression, not worked out | the number, a minus sign and {by}
= the difference with {by}, merely written down with -
> write the number, a minus sign and {by}, without subtracting
> write down the subtraction of {by}, unsolved
> state with - that {by} is to be subtracted

times-sign
= the multiplication by {by} as an expression, not worked out | the number, a star sign and {by}
= the product with {by}, merely written down with *
> write the number, a star sign and {by}, without multiplying
> write down the multiplication by {by}, unsolved
> state with * that it is to be multiplied by {by}
""")


def _cells() -> Iterator[tuple[str, Callable[[int], str], Said]]:
    """Name, what becomes of a number, how that is said."""
    for kind, numbers in MORE.items():
        for by in numbers:
            name = f"{kind}-{WORDS[by].replace(' ', '-')}"
            yield name, _result("{n}", kind, by), crossed(SAID[kind], by=_called(by))
    for kind, by in STEPS:
        for name, (form, *called) in FORMS.items():
            said = crossed(SAID[f"{kind}-form"], by=_called(by), form=called)
            yield f"{kind}-{WORDS[by]}-{name}", _result(form, kind, by), said
    for kind, sign in SIGNS.items():
        for by in (2, 10):
            said = crossed(SAID[f"{kind}-sign"], by=_called(by))
            yield f"{kind}-sign-{WORDS[by]}", _written(f"{{n}} {sign} {by}"), said


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
        ask(name, said, NOUNS, mapped(pool, lambda text, make=make: make(int(text))))
        for name, make, said in _cells()
    ]
