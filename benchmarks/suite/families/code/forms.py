"""Forms in which two words are written."""

from __future__ import annotations


def fill_form(form: str, text: str) -> str:
    """Fill a form with two words: {a} {b} as typed, {A} {B} capitalised, {UA} {UB} upper case."""
    a, b = text.split()
    upper = {"UA": a.upper(), "UB": b.upper()}
    return form.format(a=a, b=b, A=a.capitalize(), B=b.capitalize(), **upper)
