"""Numerals: a number in digits, written another way; needs num2words."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.families.arithmetic import NUMBERS
from benchmarks.suite.grids.numerals import cells
from benchmarks.suite.lexicon.asking import drafts

SHEET = """
english-words
= the number in English words | the number spelled out in words | the number written in letters
> spell the number out in English | write the number in words instead of digits

ordinal
= the ordinal in digits, such as 21st | the number with st, nd, rd or th
= the number plus its suffix
> turn the number into an ordinal such as 1st or 2nd | attach the ordinal ending to the digits

ordinal-words
= the ordinal number in words | the ordinal spelled out, such as twenty-first | the rank in words
> spell out the ordinal of the number in English | write the rank in letters, as in third

roman
= the number as a Roman numeral | the Roman numeral | the number the way ancient Romans wrote it
> convert the number to Roman numerals | write the number with I, V, X, L and C

binary
= the number in binary | the base-two form of the number | the binary representation of the number
> convert the number to binary | write the number in base 2 with zeros and ones

hexadecimal
= the number in hexadecimal, after 0x | the base-sixteen form of the number with 0x
= its hex literal
> convert the number to hexadecimal with a 0x prefix | write the number in base 16 as 0x

octal
= the number in octal, after 0o | the base-eight form of the number with 0o | its octal literal
> convert the number to octal with a 0o prefix | write the number in base 8 as 0o

padded
= the number padded with zeros to four digits | a four-digit form with leading zeros
= the digits, 0021
> pad the number with leading zeros to four digits | fill up with zeros in front to length four

one-decimal
= the number with one decimal, a zero | the number as a decimal, such as 21.0 | the float form of it
> write the number as a float with .0 at its end | append point zero to the number

percent
= the number as a percentage | the number with a percent sign | that many percent
> turn the number into a percentage | put the sign % after the number

dollars
= the number as an amount in US dollars | the price in dollars with a dollar sign | so many dollars
> write the number as a sum of dollars, with $ in front | put a $ before the number

dollars-and-cents
= the number as a price with two decimals and a dollar sign | the price in dollars and cents
> write the number as dollars with zero cents | format the number as a price such as $21.00

cents
= the number of cents in dollars, such as $0.21 | the cents converted to dollars | that many cents
> convert the cents to dollars with two decimals | read the number as cents and write the dollars

euros
= the number as an amount of euros | the number followed by EUR | the sum in euros, code at the end
> write the number as euros, with EUR behind it | add the euro currency code after the number

millions
= the number followed by million | the number as so many million | that many millions, shortened
> read the number as millions and write million after it | put the word million behind it

comma-thousands
= the number of thousands in full, with a comma | that many thousands, such as 21,000
> write that many thousands in digits with a comma | append a comma and three zeros

fraction
= the number as a fraction over one | the fraction with the denominator 1 | the number over 1
> write the number as a fraction whose denominator is one | put a slash and 1 after the number

reciprocal
= the reciprocal of the number as a fraction | one over the number | the inverse, as 1/n
> write the reciprocal of the number | put 1 and a slash before the number

hash
= the number with a hash sign in front | the number as a hash tag such as #21
= the hash-marked number
> put a hash sign before the number | prefix the number with #

number-abbreviation
= the number after the abbreviation No. | the number as in No. 21 | the abbreviated numbering
> write No. and a space before the number | label it with the abbreviation for number, No.

celsius
= the number as a temperature in degrees Celsius | so many degrees Celsius | the temperature with °C
> write the number as degrees Celsius | add the sign for centigrade after the number

angle
= the number as an angle in degrees | the number followed by the word degrees | the angle, in words
> write the number as an angle, with degrees after it | add degrees as the unit of an angle

year
= the number as a year of the Christian era, with AD | the year with AD in front | the AD year
> write AD before the number to make it a year | mark the number as a year Anno Domini

age
= the number as an age, years old | the age of a person, such as 21 years old | an age in years
> write the number as the age of somebody in years | add years old to the number

page
= the number as a page of a book | the word page and the number | the page reference
> write page before the number | make the number a page reference

kilometres
= the number as a distance in kilometres, km | that many km | the distance with its metric unit
> write the number as kilometres with km after it | add the abbreviation of kilometre

clock
= the number of minutes as hours and minutes, like 1:05 | the minutes as h:mm | the clock duration
> convert the minutes to hours and minutes with a colon | write the minutes as a duration h:mm

scientific
= the number in scientific notation | the number as a power-of-ten form such as 2.1e1 | the e-form
> write the number in scientific notation with e | express it as a mantissa and a power of ten
"""


def _writers() -> dict[str, Callable[[int], str]]:
    """How each task writes a number."""
    from num2words import num2words

    return {
        "english-words": lambda n: num2words(n).replace(" and ", " "),
        "ordinal": lambda n: num2words(n, to="ordinal_num"),
        "ordinal-words": lambda n: num2words(n, to="ordinal").replace(" and ", " "),
        "roman": roman,
        "binary": lambda n: f"{n:b}",
        "hexadecimal": lambda n: f"{n:#x}",
        "octal": lambda n: f"{n:#o}",
        "padded": lambda n: f"{n:04d}",
        "one-decimal": lambda n: f"{n}.0",
        "percent": lambda n: f"{n}%",
        "dollars": lambda n: f"${n}",
        "dollars-and-cents": lambda n: f"${n}.00",
        "cents": lambda n: f"${n / 100:.2f}",
        "euros": lambda n: f"{n} EUR",
        "millions": lambda n: f"{n} million",
        "comma-thousands": lambda n: f"{n},000",
        "fraction": lambda n: f"{n}/1",
        "reciprocal": lambda n: f"1/{n}",
        "hash": lambda n: f"#{n}",
        "number-abbreviation": lambda n: f"No. {n}",
        "celsius": lambda n: f"{n}°C",
        "angle": lambda n: f"{n} degrees",
        "year": lambda n: f"AD {n}",
        "age": lambda n: f"{n} years old",
        "page": lambda n: f"page {n}",
        "kilometres": lambda n: f"{n} km",
        "clock": lambda n: f"{n // 60}:{n % 60:02d}",
        "scientific": lambda n: f"{f'{n:.2e}'[:4].rstrip('0').rstrip('.')}e{len(str(n)) - 1}",
    }


def roman(number: int) -> str:
    """A Roman numeral below four hundred."""
    digits = (("C", 100), ("XC", 90), ("L", 50), ("XL", 40))
    digits += (("X", 10), ("IX", 9), ("V", 5), ("IV", 4), ("I", 1))
    written = ""
    for letters, value in digits:
        written += letters * (number // value)
        number %= value
    return written


def tasks() -> list[Draft]:
    """Words, other bases, units and formats."""
    writers = _writers()
    pairs = {
        name: mapped(NUMBERS, lambda text, write=write: write(int(text)))
        for name, write in writers.items()
    }
    nouns = ("a number", "a number in digits", "an integer")
    return [*drafts(SHEET, nouns, pairs), *cells(NUMBERS, writers)]
