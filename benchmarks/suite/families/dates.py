"""Dates: an ISO date, and a part of it or another way to write it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.grids.dates import cells
from benchmarks.suite.lexicon.asking import drafts

SHEET = """
year
= the year of the date | the four-digit year in the date | only the year
> extract the year from the date | keep the year and drop the month and the day

month-number
= the number of the month, without a leading zero | the month of the date as a number, 1 to 12
> extract the month as a number | say which month it is, counted from 1 to 12

month-name
= the full English name of the month of the date | the month as a word | the month, spelled out
> name the month of the date in full | say in which month, as a word, the date falls

month-short
= the three-letter name of the month, such as Mar | the short month name | the month's abbreviation
> abbreviate the month of the date to three letters | say the month as in Jan, Feb, Mar

month-capitals
= the month as three capital letters, such as MAR | the month code in upper case | MAR for March
> write the month of the date as three upper-case letters | say the month as in JAN, FEB, MAR

day-number
= the day of the month, without a leading zero | the number of the day in the date | only the day
> extract the day of the month as a number | keep the day and drop the year and the month

day-ordinal
= the day of the month as an ordinal such as 5th | the day with st, nd, rd or th | the ordinal day
> write the day of the date as an ordinal number | say the day as in 1st, 2nd, 3rd

short-year
= the last two digits of the year, with an apostrophe | the short year, such as '21 | the '-year
> shorten the year of the date to an apostrophe and two digits | say the year as in '98

american-long
= the date in American style, such as March 5, 2021 | the month in words, the day, a comma, the year
> write the date in the long American form
> spell the date month first, with a comma before the year

british-long
= the date in British style, such as 5 March 2021 | the day, the month in words and the year
> write the date in the long British form | spell the date day first, without a comma

day-first-slashes
= the date as day/month/year with slashes | the European DD/MM/YYYY date
= the day-first date, slashed
> convert the date to DD/MM/YYYY | put the day first, then the month and the year, with slashes

month-first-slashes
= the date as month/day/year with slashes | the American MM/DD/YYYY date
= the month-first slashed date
> convert the date to MM/DD/YYYY | put the month first, then the day and the year, with slashes

german-dots
= the date as DD.MM.YYYY with dots | the German numeric date, with full stops | the dotted date
> convert the date to the German form DD.MM.YYYY | put day, month and year in order, dots between

year-first-slashes
= the date as YYYY/MM/DD | the same date with slashes for hyphens
= year, month and day, with slashes
> replace the hyphens of the date by slashes | write it year first with slashes

compact
= the date as eight digits, YYYYMMDD | the date without its hyphens
= the digits of the date, run together
> remove the hyphens from the date | squeeze the date into eight digits

quarter
= the quarter of the year, Q1 to Q4 | the calendar quarter of the date | the quarter, as in Q3
> say in which quarter of the year the date falls, as Q1 to Q4
> work out the quarter as Q and a digit

season
= the season of the date in the northern hemisphere | the season: spring, summer, autumn or winter
> say in which season the date falls, whole months from March for spring | name the season of it

century
= the century of the date, such as 21st century | the century, as an ordinal | which century it is
> say in which century the date falls | work out the century, 20th century or 21st century

decade
= the decade of the date, such as 1990s | the decade in which the date falls | the ten-year span
> say to which decade the date belongs | round the year down to its decade, ending in 0s

half-of-month
= early for days 1 to 15 of the month, late for later days | the half of the month, early or late
> say early if the day is at most 15, late otherwise | call the half of the month early or late

half-of-year
= the half of the year, H1 or H2 | H1 for January to June, H2 for July to December
> say whether the date is in H1 or H2 of its year | tell the half-year of it as H1 or H2

next-day
= the date of the next day | the day after the date, in the same format
= tomorrow, seen from the date
> move the date one day forward | say which date comes one day later

previous-day
= the date of the day before | the previous date, in the same format | yesterday, seen from the date
> move the date one day back | say which date came one day earlier

next-year
= the same day one year later | the date with the next year | its first anniversary
> move the date one year forward | increase the year of the date by one and keep the rest

month-and-year
= the month and the year, such as March 2021 | the date without its day
= the month in words, then year
> write the month in words and the year, without the day | drop the day and spell out the month

day-and-month
= the day and the month, such as 5 March | the date without its year
= the day, then the month in words
> write the day and the month in words, without the year | drop the year and spell out the month

first-of-month
= the first day of that month, as an ISO date | the date with its day set to 01 | the month's start
> set the day of the date to the first of the month | go back to the start of the month
"""

_SEASONS = ("winter", "spring", "summer", "autumn")


def _of_dates() -> dict[str, Callable[[date], str]]:
    """What each task makes of a date."""
    return {
        "year": lambda d: f"{d:%Y}",
        "month-number": lambda d: str(d.month),
        "month-name": lambda d: f"{d:%B}",
        "month-short": lambda d: f"{d:%b}",
        "month-capitals": lambda d: f"{d:%b}".upper(),
        "day-number": lambda d: str(d.day),
        "day-ordinal": lambda d: f"{d.day}{_suffix(d.day)}",
        "short-year": lambda d: f"'{d:%y}",
        "american-long": lambda d: f"{d:%B} {d.day}, {d.year}",
        "british-long": lambda d: f"{d.day} {d:%B} {d.year}",
        "day-first-slashes": lambda d: f"{d:%d/%m/%Y}",
        "month-first-slashes": lambda d: f"{d:%m/%d/%Y}",
        "german-dots": lambda d: f"{d:%d.%m.%Y}",
        "year-first-slashes": lambda d: f"{d:%Y/%m/%d}",
        "compact": lambda d: f"{d:%Y%m%d}",
        "quarter": lambda d: f"Q{(d.month + 2) // 3}",
        "season": lambda d: _SEASONS[d.month % 12 // 3],
        "century": lambda d: "20th century" if d.year <= 2000 else "21st century",
        "decade": lambda d: f"{d.year // 10}0s",
        "half-of-month": lambda d: "early" if d.day <= 15 else "late",
        "half-of-year": lambda d: "H1" if d.month <= 6 else "H2",
        "next-day": lambda d: str(d + timedelta(days=1)),
        "previous-day": lambda d: str(d - timedelta(days=1)),
        "next-year": lambda d: str(d.replace(year=d.year + 1)),
        "month-and-year": lambda d: f"{d:%B %Y}",
        "day-and-month": lambda d: f"{d.day} {d:%B}",
        "first-of-month": lambda d: str(d.replace(day=1)),
    }


def _suffix(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def dates() -> tuple[str, ...]:
    """Two hundred ISO dates between 1950 and 2039, none of them the 29th of February."""
    draw = random.Random("dates")
    first = date(1950, 1, 1)
    days = (first + timedelta(days=n) for n in draw.sample(range(90 * 365), 220))
    return tuple(str(day) for day in days if (day.month, day.day) != (2, 29))[:200]


def tasks() -> list[Draft]:
    """Parts of a date, formats, labels and neighbours."""
    pairs = {
        name: mapped(dates(), lambda text, make=make: make(date.fromisoformat(text)))
        for name, make in _of_dates().items()
    }
    groups = {"month_short": "month-abbreviation", "month_capitals": "month-abbreviation"}
    nouns = ("a date", "an ISO date", "a date as year-month-day")
    return [*drafts(SHEET, nouns, pairs, **groups), *cells(dates())]
