"""code: a case and what is put around it; a separator and the order of the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed

NOUNS = ("a pair of words", "an adjective and a noun", "a phrase of two words")

# name: how two words are joined, as in `fill`; what that is called, the last for evaluation
CASES: dict[str, tuple[str, ...]] = {
    "snake": (
        "{a}_{b}",
        "snake_case",
        "lower case with an underscore",
        "snake case, red_apple",
    ),
    "kebab": (
        "{a}-{b}",
        "kebab-case",
        "lower case with a hyphen",
        "kebab case, red-apple",
    ),
    "camel": (
        "{a}{B}",
        "camelCase",
        "camel case with one inner capital",
        "camel case, redApple",
    ),
    "pascal": (
        "{A}{B}",
        "PascalCase",
        "Pascal case with two capitals",
        "Pascal case, RedApple",
    ),
    "constant": (
        "{UA}_{UB}",
        "CONSTANT_CASE",
        "upper case with an underscore",
        "constant case, RED_APPLE",
    ),
    "dotted": (
        "{a}.{b}",
        "dotted.case",
        "lower case with a dot",
        "dotted case, red.apple",
    ),
}
# name: what is put around x
AROUND = {
    "call": "{x}()",
    "bracketed": "[{x}]",
    "flag": "--{x}",
    "dollar": "${x}",
    "file": "{x}.py",
}
SAID = blocks("""
call
= a function call with empty parentheses, in {case} | the words in {case} as a function call, ()
= a function call, the phrase in {case} with parentheses
> make a function call with empty parentheses, in {case} | call a function named in {case}, ()
> turn the phrase in {case} into a function call with parentheses

bracketed
= a name inside square brackets, in {case} | the words in {case}, within square brackets
= square brackets around the phrase in {case}
> put the words into square brackets, in {case} | make a name in {case}, with square brackets
> set square brackets around the phrase in {case}

flag
= a command-line flag with two dashes, in {case} | the words in {case} as a command-line flag, --
= a command-line flag, the phrase in {case} with dashes
> make a command-line flag with two dashes, in {case} | name a command-line flag in {case}, --
> turn the phrase in {case} into a command-line flag with dashes

dollar
= a variable with a dollar sign in front, in {case} | the words in {case} after a dollar sign
= a dollar sign and the phrase in {case}
> make a variable with a dollar sign, in {case} | put a dollar sign before the words in {case}
> write a dollar sign in front of the phrase in {case}

file
= the name of a Python file, in {case}, ending in .py | the words in {case} as a Python file, .py
= a Python file name, the phrase in {case} with .py
> name a Python file ending in .py, in {case} | make a Python file name of the words in {case}
> turn the phrase in {case} into a Python file name with .py

forward
= the two words as given, {joined} | the adjective and then the noun, {joined}
= both words in the given order, {joined}
> keep the order of the two words and write them {joined} | write adjective and noun {joined}
> take both words in the given order, {joined}

backward
= the two words swapped, in reverse order, {joined} | the noun before the adjective, {joined}
= both words in swapped order, reversed, {joined}
> swap the two words and write them {joined} | reverse the order, noun before adjective, {joined}
> take both words in swapped order, reversed, {joined}
""")
# name: the separator, how words are joined by it
SEPARATORS: dict[str, tuple[str, ...]] = {
    "space": (" ", "with a space", "separated by a blank space", "with a space between"),
    "comma": (
        ", ",
        "with a comma and a space between",
        "separated by a comma and a space",
        "with a comma",
    ),
    "plus": ("+", "joined by a plus sign", "with + between", "joined by a plus, +"),
    "pipe": ("|", "joined by a vertical bar", "with | between", "joined by a bar, |"),
    "and": (" and ", 'joined by the word "and"', "with and between", "joined by and"),
    "underscore": ("_", "joined by an underscore", "with _ between", "joined by an underscore, _"),
    "hyphen": ("-", "joined by a hyphen", "with - between", "joined by a dash, -"),
    "dot": (".", "joined by a dot", "with a full stop between", "joined by a dot, ."),
    "slash": ("/", "joined by a slash", "with / between", "joined by a slash, /"),
}
FORWARD = ("comma", "plus", "pipe", "and")
"""The family has the others."""


def fill(form: str, text: str) -> str:
    """Two words in a form: {a} {b} as typed, {A} {B} capitalised, {UA} {UB} upper case."""
    a, b = text.split()
    upper = {"UA": a.upper(), "UB": b.upper()}
    return form.format(a=a, b=b, A=a.capitalize(), B=b.capitalize(), **upper)


def _cells() -> Iterator[tuple[str, str, Said, Mapping[str, Sequence[str]]]]:
    """Name, form, phrases with a field, what its value is called."""
    for around, outer in AROUND.items():
        for name, (inner, *called) in CASES.items():
            if (name, around) != ("constant", "dollar"):
                yield (
                    f"{name}-{around}",
                    outer.replace("{x}", inner),
                    SAID[around],
                    {"case": called},
                )
    for name, (between, *called) in SEPARATORS.items():
        if name in FORWARD:
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
    ]
