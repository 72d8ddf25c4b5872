"""Arithmetic: a number in digits, and something computed from it."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.grids.arithmetic import cells
from benchmarks.suite.lexicon.asking import drafts

NUMBERS = tuple(str(number) for number in range(1, 200))

SHEET = """
plus-one
= the number plus one | one more than the number | the next integer after the number
> add one to the number | increase the number by 1

plus-two
= the number plus two | two more than the number | the sum of the number and 2
> add two to the number | increase the number by 2

plus-three
= the number plus three | three more than the number | the sum of the number and 3
> add three to the number | increase the number by 3

plus-five
= the number plus five | five more than the number | the sum of the number and 5
> add five to the number | increase the number by 5

plus-ten
= the number plus ten | ten more than the number | the sum of the number and 10
> add ten to the number | increase the number by 10

plus-fifty
= the number plus fifty | fifty more than the number | the sum of the number and 50
> add fifty to the number | increase the number by 50

plus-hundred
= the number plus a hundred | one hundred more than the number | the sum of the number and 100
> add a hundred to the number | increase the number by 100

plus-thousand
= the number plus a thousand | one thousand more than the number | the sum of the number and 1000
> add a thousand to the number | increase the number by 1000

minus-one
= the number minus one | one less than the number | the integer just before the number
> subtract one from the number | decrease the number by 1

minus-two
= the number minus two | two less than the number | the difference of the number and 2
> subtract two from the number | decrease the number by 2

minus-three
= the number minus three | three less than the number | the difference of the number and 3
> subtract three from the number | decrease the number by 3

minus-ten
= the number minus ten | ten less than the number | the difference of the number and 10
> subtract ten from the number, going below zero if need be | decrease the number by 10

doubled
= the number times two | twice the number | the double of the number
> double the number | multiply the number by 2

tripled
= the number times three | three times the number | the triple of the number
> triple the number | multiply the number by 3

halved
= half of the number, rounded down | the number divided by two, rounded down | the lower half of it
> halve the number and round down | divide the number by 2 and drop the remainder

times-ten
= the number times ten | ten times the number | the tenfold of the number
> multiply the number by ten | make the number ten times as large

times-hundred
= the number times a hundred | a hundred times the number | the hundredfold of the number
> multiply the number by one hundred | make the number 100 times as large

tenth
= a tenth of the number, with one decimal | the number divided by ten | the quotient of it and 10
> divide the number by ten, with one digit after the point | shift the decimal point one place left

digit-sum
= the sum of the digits of the number | the total of all its digits | the digits added together
> add up the digits of the number | sum all digits of the number

digits-reversed
= the number with its digits in reverse order | the digits read backwards | the number mirrored
> reverse the order of the digits | write the digits of the number from last to first

last-digit
= the last digit of the number | the units digit of the number | the rightmost digit of the number
> keep only the last digit of the number | say which digit the number ends with

first-digit
= the first digit of the number | the leading digit of the number | the leftmost digit of it
> keep only the first digit of the number | say which digit the number starts with

even-odd
= the word even or odd, depending on the number | the parity of the number | the parity, even or odd
> say whether the number is even or odd | decide if the number is odd or even

big-small
= big if the number is greater than 50, small if not | the word big above 50 and small otherwise
> answer big for numbers above 50 and small for the rest | call it big over 50, else small

multiple-of-five
= yes if the number is a multiple of five, no if not | yes or no: is the number divisible by 5
> say yes or no: is the number a multiple of five | answer yes when 5 divides the number, else no

nearest-ten
= the number rounded to the nearest ten | the multiple of ten closest to the number
> round the number to the nearest ten | round half up to a multiple of 10

negative
= the negative of the number | the number with a minus sign | the opposite of the number
> negate the number | flip the sign of the number

up-to-two-hundred
= two hundred minus the number | what is missing from the number to 200 | the gap up to 200
> subtract the number from two hundred | say how much must be added to reach 200

distance-to-hundred
= the distance between the number and 100 | how far the number is from a hundred
> work out how far the number is from 100 | find the absolute difference to one hundred
"""


def _on_integers() -> dict[str, Callable[[int], object]]:
    """What each task computes."""
    return {
        **{f"plus-{name}": (lambda n, by=by: n + by) for name, by in _STEPS.items()},
        **{f"minus-{name}": (lambda n, by=by: n - by) for name, by in _STEPS.items()},
        "doubled": lambda n: 2 * n,
        "tripled": lambda n: 3 * n,
        "halved": lambda n: n // 2,
        "times-ten": lambda n: 10 * n,
        "times-hundred": lambda n: 100 * n,
        "tenth": lambda n: n / 10,
        "digit-sum": lambda n: sum(map(int, str(n))),
        "digits-reversed": lambda n: str(n)[::-1],
        "last-digit": lambda n: n % 10,
        "first-digit": lambda n: str(n)[0],
        "even-odd": lambda n: "odd" if n % 2 else "even",
        "big-small": lambda n: "big" if n > 50 else "small",
        "multiple-of-five": lambda n: "no" if n % 5 else "yes",
        "nearest-ten": lambda n: (n + 5) // 10 * 10,
        "negative": lambda n: -n,
        "up-to-two-hundred": lambda n: 200 - n,
        "distance-to-hundred": lambda n: abs(100 - n),
    }


_STEPS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "five": 5,
    "ten": 10,
    "fifty": 50,
    "hundred": 100,
    "thousand": 1000,
}


def tasks() -> list[Draft]:
    """Steps up and down, multiples, digits and labels."""
    pairs = {
        name: mapped(NUMBERS, lambda text, function=function: str(function(int(text))))
        for name, function in _on_integers().items()
    }
    nouns = ("a number", "a whole number", "an integer")
    return [*drafts(SHEET, nouns, pairs), *cells(NUMBERS)]
