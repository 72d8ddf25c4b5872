"""How to ask for what a sentence reports: fields, ways to write one, and ways to join several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SINGLES = """
name = the name of the person; the person who did it; the first name of the one acting
number = the number; the quantity as digits; how many things there were, as a number
colour = the colour; the color of the things; the colour word
thing = the kind of things; the objects, without number and colour; the plural noun
city = the city; the place where it happened; the name of the town
weekday = the day of the week; the weekday when it happened; the day it took place
verb = the verb; the action that was done; the action word in the past tense
colour-thing = the colour and the things; the things with their colour in front
number-thing = the number and the things, no colour; the things after their count, colour left out
number-colour = the number followed by the colour; the quantity and then the colour, not the things
verb-thing = the verb and the things, no number or colour; the action followed by the objects only
name-verb = the name followed by the verb; the person and then the action
name-city = the person and the city, with a comma between; the name, a comma, and the place
city-weekday = the city and the weekday, with a comma between; where, a comma, and on which day
weekday-name = the weekday, a colon, and the person; the day and who it was, joined by a colon
thing-number = the things, a colon, and their number; the objects and how many, joined by a colon
name-upper = the person's name in capital letters; the name of who did it, in upper case
city-upper = the city in capital letters; the name of the place, in upper case
thing-upper = the things in capital letters; the plural noun for the objects, in upper case
number-plus-one = the number plus one; the quantity increased by one; the count with one more added
number-in-words = the number spelled out in letters; the quantity as a word instead of digits
weekday-short = the weekday cut to three letters; the abbreviated day, like Mon for Monday
next-day = the weekday after the one mentioned; the day that follows the day of the event
name-initial = the initial of the person; the first letter of the person's name
thing-singular = the things in the singular; one of the objects, a noun without the plural s
"""
"""Task, and how to name what it asks."""

_FIELDS = """
name = the name of the person | the person | the first name | who it was
verb = the verb | the action | the past-tense verb | what was done
number = the number | the quantity | the count | how many there were
colour = the colour | the color | the colour word | which colour they had
thing = the things | the objects | the plural noun | what sort of things
city = the city | the place | the town | where it happened
day = the weekday | the day | the day of the week | when it happened
"""
_WRITTEN = """
parentheses = ({0}) | in parentheses | inside round brackets | with a bracket on either side
quotes = "{0}" | in double quotes | inside quotation marks | with quotation marks around it
label = {1}: {0} | after the label "{1}:" | behind the word {1} and a colon | led by "{1}:"
capitals = {0} | in capital letters | in upper case | with all letters as capitals
small = {0} | in small letters | in lower case | without any capital letter
"""
_JOINED = """
comma = {}, {} | separated by a comma | {a}, a comma, and {b} | a comma in the middle
colon = {}: {} | joined by a colon | {a}, a colon, and {b} | a colon in the middle
slash = {}/{} | joined by a slash | {a}, a slash, and {b} | a slash in the middle
hyphen = {}-{} | joined by a hyphen | {a}, a hyphen, and {b} | a hyphen in the middle
and = {} and {} | with the word "and" between | {a}, the word "and", and {b} | "and" in the middle
brackets = {} ({}) | the second in parentheses | {a}, then {b} in brackets | the last in brackets
semicolon = {}; {} | separated by a semicolon | {a}, a semicolon, and {b} | a ";" in the middle
equals = {} = {} | joined by an equals sign | {a}, an equals sign, and {b} | "=" in the middle
"""
_FURTHER = """
arrow = {} -> {} | joined by a spaced arrow -> | {a}, a spaced ->, and {b} | a spaced "->" between
plus = {} + {} | joined by a spaced plus sign | {a}, a spaced +, and {b} | a spaced "+" between
dash = {} - {} | joined by a spaced dash | {a}, a dash with spaces, and {b} | " - " in the middle
square = {} [{}] | the second in square brackets | {a}, then {b} between [ and ] | the last in [ ]
quotes = {} "{}" | the second in double quotes | {a}, then {b} in quotation marks | the last quoted
"""
_ROWS = """
commas = {}, {}, {} | separated by commas | listed with commas | a comma after each but the last
slashes = {}/{}/{} | joined by slashes | linked with slashes | a slash after each but the last
hyphens = {}-{}-{} | joined by hyphens | linked with hyphens | a hyphen after each but the last
spaces = {} {} {} | separated by spaces | written side by side | nothing but blanks between
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A pattern to fill, and its phrases: those to train with and, last, one to evaluate with."""

    pattern: str
    phrases: tuple[str, ...]


def ways(text: str) -> dict[str, Way]:
    """Name to way, of lines "name = pattern | phrase | phrase | phrase"."""
    made = {}
    for line in text.strip().splitlines():
        name, told = line.split(" = ", 1)
        pattern, *phrases = told.split(" | ")
        made[name] = Way(pattern, tuple(phrases))
    return made


def without(known: Mapping[str, Way], *names: str) -> dict[str, Way]:
    """The other ways."""
    return {name: way for name, way in known.items() if name not in names}


FIELDS: dict[str, tuple[str, ...]] = {
    field: tuple(told.split(" | "))
    for field, told in (line.split(" = ") for line in _FIELDS.strip().splitlines())
}
"""Slot of a sentence to three phrases to train with, and one to evaluate with."""
WRITTEN, JOINED, ROWS = ways(_WRITTEN), ways(_JOINED), ways(_ROWS)
FURTHER = ways(_FURTHER)
"""Ways to write one field, two fields (the first ones and further ones), and three."""
