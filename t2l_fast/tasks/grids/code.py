"""code: a case and what is put around it; a separator and the order of the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed

NOUNS = ("a pair of words", "an adjective and a noun", "a phrase of two words")

# name: how two words are joined, as in `fill`; what that is called, the last for evaluation
CASES: dict[str, tuple[str, ...]] = {
    "snake": (
        "{a}_{b}",
        "snake_case",
        "lower case with an underscore",
        "snake case (red_apple)",
    ),
    "kebab": (
        "{a}-{b}",
        "kebab-case",
        "lower case with a hyphen",
        "kebab case (red-apple)",
    ),
    "camel": (
        "{a}{B}",
        "camelCase",
        "camel case with one inner capital",
        "camel case (redApple)",
    ),
    "pascal": (
        "{A}{B}",
        "PascalCase",
        "Pascal case with two capitals",
        "Pascal case (RedApple)",
    ),
    "constant": (
        "{UA}_{UB}",
        "CONSTANT_CASE",
        "upper case with an underscore",
        "constant case (RED_APPLE)",
    ),
    "dotted": (
        "{a}.{b}",
        "dotted.case",
        "lower case with a dot",
        "dotted case (red.apple)",
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
= the phrase in {case} with () after it | a call without arguments, in {case}
= the phrase in {case} as a function called with ()
> write the words in {case} and then () | make a call without arguments out of the words, in {case}
> turn the phrase into {case} with empty parentheses

bracketed
= the phrase in {case} inside square brackets | a bracketed name in {case}, like [x]
= the phrase in {case}, set in [ ]
> write the words in {case}, in square brackets | make a bracketed name of the words, in {case}
> turn the phrase into {case}, enclosed by [ and ]

flag
= the phrase in {case} after two dashes | a command-line flag in {case}, like --x
= the phrase in {case} as an option with --
> write two dashes and the words in {case} | make a command-line flag of the words, in {case}
> turn the phrase into {case} behind a double dash

dollar
= the phrase in {case} after a dollar sign | a variable with $, in {case}
= the phrase in {case}, led by $
> write a dollar sign and the words in {case} | make a $ variable of the words, in {case}
> turn the phrase into {case} with $ at its front

file
= the phrase in {case} with .py at the end | the name of a Python file, in {case}
= the phrase in {case} as a .py script
> write the words in {case} and then .py | name a Python file by the words, in {case}
> turn the phrase into {case} with the extension py

forward
= the pair of words {joined} | the adjective and the noun, {joined} | the phrase, its words {joined}
= both words of the phrase {joined}
> write the two words {joined} | give the adjective and the noun {joined} | leave the words {joined}
> take the phrase and make its words appear {joined}

backward
= the pair of words in reverse order, {joined} | the noun first and then the adjective, {joined}
= both words of the phrase, swapped and {joined}
> swap the two words and write them {joined} | give the noun before the adjective, {joined}
> turn the order of the words round, {joined}
""")
# name: the separator, how words are joined by it
SEPARATORS: dict[str, tuple[str, ...]] = {
    "space": (" ", "with a space between", "separated by a blank", "with just a space between"),
    "comma": (
        ", ",
        "with a comma and a space between",
        "separated by a comma and a space",
        "as a comma list",
    ),
    "plus": ("+", "joined by a plus sign", "with + between", "linked by the sign +"),
    "pipe": ("|", "joined by a vertical bar", "with | between", "linked by the pipe |"),
    "and": (" and ", 'joined by the word "and"', "with and between", "linked by an and"),
    "underscore": ("_", "joined by an underscore", "with _ between", "linked by the sign _"),
    "hyphen": ("-", "joined by a hyphen", "with - between", "linked by the dash -"),
    "dot": (".", "joined by a dot", "with a full stop between", "linked by a period"),
    "slash": ("/", "joined by a slash", "with / between", "linked by the stroke /"),
}
FORWARD = ("comma", "plus", "pipe", "and")
"""The family has the others."""


def fill(form: str, text: str) -> str:
    """Two words in a form: {a} {b} as typed, {A} {B} capitalised, {UA} {UB} upper case."""
    a, b = text.split()
    upper = {"UA": a.upper(), "UB": b.upper()}
    return form.format(a=a, b=b, A=a.capitalize(), B=b.capitalize(), **upper)


def _cells() -> Iterator[tuple[str, str, Said]]:
    """Name, form, how that is said."""
    for around, outer in AROUND.items():
        for name, (inner, *called) in CASES.items():
            if (name, around) != ("constant", "dollar"):
                said = crossed(SAID[around], case=called)
                yield f"{name}-{around}", outer.replace("{x}", inner), said
    for name, (between, *called) in SEPARATORS.items():
        if name in FORWARD:
            said = crossed(SAID["forward"], joined=called)
            yield f"joined-{name}", f"{{a}}{between}{{b}}", said
        yield f"reversed-{name}", f"{{b}}{between}{{a}}", crossed(SAID["backward"], joined=called)


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's phrases of two words."""
    return [
        ask(name, said, NOUNS, mapped(pool, lambda text, form=form: fill(form, text)))
        for name, form, said in _cells()
    ]
