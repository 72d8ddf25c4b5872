"""Ways to say whether a word belongs to a category, and to which of two: answers and phrases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """A way to answer: what is said of members, what of others, and a sheet of phrases.

    In all of them {label} and {LABEL} stand for the category's label, {0} to {2} for a member.
    """

    yes: str
    no: str
    sheet: str


FORMS = (
    Form(
        "{LABEL}",
        "NOT {LABEL}",
        """
{name}-in-capitals
= {LABEL} for {0}, and NOT {LABEL} for any other word
= the verdict in capital letters, {LABEL} or NOT {LABEL}
= {LABEL} in upper case, with NOT before it unless the word is {1}
= the loud answer {LABEL} to {2}, the loud answer NOT {LABEL} to everything else
> say in capital letters whether the word is {0}: {LABEL} or NOT {LABEL}
> write {LABEL} when the word is {1} and NOT {LABEL} when it is not, always in upper case
> shout {LABEL} at {2} and NOT {LABEL} at other words
""",
    ),
    Form(
        "{label}: yes",
        "{label}: no",
        """
{name}-with-yes-or-no
= "{label}: yes" for {0} and "{label}: no" for all other words
= the label {label}, a colon, and yes or no, whether the word is {1}
= "{label}: yes" or "{label}: no", as the case may be
= the form entry {label} with a yes in the case of {2} and a no otherwise, after a colon
> write "{label}: yes" if the word is {0} and "{label}: no" if it is not
> put {label} and a colon first, then yes for {1} or no for something else
> tick {label}: yes for {2}, no for the rest, as in a form with a colon
""",
    ),
    Form(
        "this is {0}",
        "this is not {0}",
        """
{name}-in-a-sentence
= the sentence "this is {0}" or else the sentence "this is not {0}"
= a true sentence about the word, "this is {0}" or "this is not {0}"
= the words "this is {0}" for {1}, and the words "this is not {0}" for others
= whichever holds, "this is {0}" or "this is not {0}"
> say "this is {0}" of {1} and "this is not {0}" of any other word
> tell in a short sentence if this is {0} or if this is not {0}
> complete the beginning "this is" with {0}, putting in a "not" wherever the word is not {2}
""",
    ),
)

RIVALS = (
    "fruit/vegetable tree/flower animal/vehicle city/country clothing/tool metal/gemstone "
    "dance/game profession/family_member disease/crime drink/dessert "
    "language/school_subject river/currency"
)
"""Pairs of categories, "_" for a space."""
PLURALS = {
    "city": "cities",
    "country": "countries",
    "clothing": "clothes",
    "profession": "jobs",
    "family member": "relatives",
    "currency": "currencies",
}
"""Headings that are not the category with an s."""
RIVAL_SHEET = """
{name}
= the group of the word, {A} or {B} | {A} for {a}, {B} for {b} | {A} or {B}, by what the word is
= the right one of two headings, {A} ({a}) or {B} ({b})
> sort the word under {A} or {B} | decide if this is {a} or {b}, and write {A} or {B}
> file the word with {A} if it means {a} and with {B} if it means {b}
"""
