"""Ways to write a number."""

from __future__ import annotations

from collections.abc import Callable

ROMAN_DIGITS = {
    **{"C": 100, "XC": 90, "L": 50, "XL": 40},
    **{"X": 10, "IX": 9, "V": 5, "IV": 4, "I": 1},
}


def writers() -> dict[str, Callable[[int], str]]:
    """Return how each task that stands alone writes a number below 400.

    Raises:
        ModuleNotFoundError: num2words is not installed.
    """
    from num2words import num2words

    return {
        "english-words": lambda n: num2words(n).replace(" and ", " "),
        "ordinal": lambda n: num2words(n, to="ordinal_num"),
        "ordinal-words": lambda n: num2words(n, to="ordinal").replace(" and ", " "),
        "roman": _roman,
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


def _roman(number: int) -> str:
    numeral = ""
    for digits, value in ROMAN_DIGITS.items():
        numeral += digits * (number // value)
        number %= value
    return numeral
