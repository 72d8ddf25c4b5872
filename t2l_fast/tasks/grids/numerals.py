"""numerals: a currency and how it is written, a unit, a label and its numeral, a magnitude."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed

NOUNS = ("a number", "a number in digits", "an integer")

# name: its sign, its code, the word after a number
CURRENCIES = {
    "dollars": ("$", "USD", "dollar{s}"),
    "euros": ("€", "EUR", "euro{s}"),
    "pounds": ("£", "GBP", "pound{s}"),
    "yen": ("¥", "JPY", "yen"),
}
# name: abbreviation
UNITS = {
    "kilograms": "kg",
    "metres": "m",
    "litres": "l",
    "hours": "h",
    "kilometres": "km",
}
LABELS = ("page", "chapter", "room")
# name: what is written, what that is called; the last for evaluation
MAGNITUDES: dict[str, tuple[str, ...]] = {
    "thousand": ("{n} thousand", "the word thousand", "thousand as a word", "a final thousand"),
    "billion": ("{n} billion", "the word billion", "billion as a word", "a final billion"),
    "k": ("{n}k", "the letter k for thousand", "a k, short for thousand", "a final k"),
    "m": ("{n}M", "the letter M for million", "an M, short for million", "a final M"),
}
MONEY = {
    "sign-before": "{sign}{n}",
    "sign-after": "{n} {sign}",
    "code-before": "{code} {n}",
    "code-after": "{n} {code}",
    "words": "{n} {noun}",
}
NUMBERED = {
    "digits": "{label} {n}",
    "hash": "{label} #{n}",
    "roman": "{label} {roman}",
    "spelled": "{label} {words}",
    "ordinal": "{nth} {label}",
}
SAID = blocks("""
sign-before
= the amount in {many} with the sign {sign} in front | the number of {many}, the sign {sign} first
= the sum of {many} with the sign {sign} leading, in front
> put the sign {sign} for {many} before the number
> write so many {many} with {sign} in front
> make it a sum of {many} with the sign {sign} in front

sign-after
= the amount in {many} with the sign {sign} at the end
= the number of {many}, then a space and {sign}
= the sum of {many} with the sign {sign} trailing, at the end
> put a space and the sign {sign} for {many} after the number
> write so many {many} with {sign} at the end
> make it a sum of {many} with the sign {sign} at the end

code-before
= the amount in {many} with the code {code} in front | the number of {many}, the code {code} first
= the sum of {many} with the code {code} leading, in front
> put the currency code {code} before the number | write so many {many} with {code} in front
> make it a sum of {many} with the code {code} in front

code-after
= the amount in {many} with the code {code} at the end | the number of {many}, then {code}
= the sum of {many} with the code {code} trailing, at the end
> put the currency code {code} after the number | write so many {many} with {code} at the end
> make it a sum of {many} with the code {code} at the end

words
= the number and the full word {many} | the number with its unit written out, the word {many}
= the number with the unit in full, {many} as a word
> write the full word {many} after the number | add the unit to the number, written out as {many}
> write the number with its unit in full, the word {many}

short
= the number and the symbol {code} for {many} | the number with the abbreviation {code} for {many}
= the number with the abbreviated unit of {many}, the symbol {code}
> write the symbol {code} for {many} after the number | abbreviate the unit of {many} to {code}
> write the number with the abbreviated unit symbol {code} of {many}

digits
= the word {label} and the number | the number as a {label} | the {label} with its number in digits
= the {label} with its plain number in digits
> write the word {label} before the number | name the {label} of that number
> make the number a {label}, in plain digits

hash
= the word {label} and the number with a hash sign, # | the {label} with # before its number
= the {label} with a hash sign, #, and its number
> write the word {label}, then # and the number | name the {label} with a hash sign, #
> make the number a {label} with a hash sign, #

roman
= the word {label} and the Roman numeral | the {label} with its number in Roman numerals
= the {label} with its number in Roman form
> write the word {label} and the number in Roman numerals | name the {label} by a Roman numeral
> make the number a {label}, in Roman numerals

spelled
= the word {label} and the number in words | the {label} with its number spelled out
= the {label} with its number spelled out in words
> write the word {label} and spell out the number | name the {label} by the number in words
> make the number a {label}, spelled out in words

ordinal
= the number as an ordinal, such as 21st, and the word {label}
= the {label} with an ordinal, as in 21st
= the {label} by its rank, such as 21st
> write the ordinal number, as in 21st, before {label} | number the {label} with st, nd, rd or th
> make the number a {label}, counted as 1st, 2nd, 3rd

magnitude
= the number with {size} after it | the number followed by {size} | a large amount, with {size}
= the short large number with {size}
> put {size} after the number | read it as a large amount and write {size} after it
> make it a large number with {size}
""")
ELSEWHERE = {"dollars-sign-before", "euros-code-after", "kilometres-short", "page-digits"}
"""Cells that the family has under other names."""


Called = Mapping[str, str | Sequence[str]]


def _cells() -> Iterator[tuple[str, str, Said, Called]]:
    """Name, what is written, phrases with fields, what their values are called."""
    for name, (sign, code, noun) in CURRENCIES.items():
        for form, written in MONEY.items():
            filled = written.replace("{sign}", sign).replace("{code}", code)
            called = {"many": name, "sign": sign, "code": code}
            yield f"{name}-{form}", filled.replace("{noun}", noun), SAID[form], called
    for name, short in UNITS.items():
        yield f"{name}-words", f"{{n}} {name[:-1]}{{s}}", SAID["words"], {"many": name}
        yield f"{name}-short", f"{{n}} {short}", SAID["short"], {"many": name, "code": short}
    for label in LABELS:
        for form, written in NUMBERED.items():
            yield f"{label}-{form}", written.replace("{label}", label), SAID[form], {"label": label}
    for name, (written, *called) in MAGNITUDES.items():
        yield f"magnitude-{name}", written, SAID["magnitude"], {"size": called}


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
