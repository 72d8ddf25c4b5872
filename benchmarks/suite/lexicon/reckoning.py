"""How results are written, and how to ask for sums, differences and products."""

from __future__ import annotations

from benchmarks.suite.lexicon.asking import blocks

# name: how a result is written, what that is called; the last for evaluation
FORMS: dict[str, tuple[str, ...]] = {
    "percent": ("{n}%", "a percent sign after it", "the sign % at its end", "a trailing %"),
    "dollar": ("${n}", "a dollar sign before it", "the sign $ in front", "a leading $"),
    "points": ("{n} point{s}", "the word points after it", "points as its unit", "points behind"),
}
FURTHER_FORMS: dict[str, tuple[str, ...]] = {
    "quotes": (
        '"{n}"',
        "quotation marks around it",
        "double quotes on both sides",
        "a quote each side",
    ),
    "parentheses": (
        "({n})",
        "brackets around it",
        "parentheses on both sides",
        "a bracket each side",
    ),
    "equals": ("= {n}", "an equals sign before it", "the sign = in front", "a leading ="),
    "hash": ("#{n}", "a hash sign before it", "the sign # in front", "a leading #"),
    "stop": ("{n}.", "a full stop after it", "a period at its end", "a trailing dot"),
    "kilos": ("{n} kg", "the unit kg after it", "kg as its unit", "kilos (kg) behind"),
    "apples": (
        "{n} apple{s}",
        "the word apples after it",
        "apples as what is counted",
        "apples behind",
    ),
    "label": (
        "answer: {n}",
        'the label "answer:" before it',
        "the word answer and a colon in front",
        'a leading "answer:"',
    ),
    "decimal": ("{n}.0", "one decimal, a zero", ".0 at its end", "a trailing .0"),
    "padded": (
        "{n:05}",
        "zeros in front, up to five digits",
        "five digits, the first ones zero",
        "leading zeros that make five digits",
    ),
    "twice": ("{n} {n}", "a copy of it after it", "itself again at its end", "its copy behind"),
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

plus-equation
= the equation of adding {by}, with its result | the number, a plus sign, {by}, "=" and the sum
= the calculation of adding {by}, solved and in full
> write the equation of adding {by}, up to its result | write the number, "+", {by}, "=" and the sum
> write out and solve the calculation of adding {by}

minus-equation
= the equation of subtracting {by}, with its result
= the number, a minus sign, {by}, "=" and the difference
= the calculation of subtracting {by}, solved and in full
> write the equation of subtracting {by}, up to its result
> write the number, "-", {by}, "=" and the difference
> write out and solve the calculation of subtracting {by}

times-equation
= the equation of multiplying by {by}, with its result
= the number, a star sign, {by}, "=" and the product
= the calculation of multiplying by {by}, solved and in full
> write the equation of multiplying by {by}, up to its result
> write the number, "*", {by}, "=" and the product
> write out and solve the calculation of multiplying by {by}

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
