"""Ways to say whether a word belongs to a category, and to which of two: answers and phrases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """A way to answer: what is said of members, what of others, and a sheet of phrases.

    In all of them {label} and {LABEL} stand for the category's label, {0} to {2} for a member.
    Where the negative answer does not name the category, two tasks deny no word in common.
    """

    yes: str
    no: str
    sheet: str

    @property
    def nameless(self) -> bool:
        return "{" not in self.no


FORMS = (
    Form(
        "{LABEL}",
        "NOT {LABEL}",
        """
{name}-in-capitals
= {LABEL} for {0}, and NOT {LABEL} for any other word
= the verdict in capital letters, {LABEL} or NOT {LABEL}
= {LABEL} in upper case, with NOT before it unless the word is {1}
= {LABEL}, if {1} comes in, or else NOT {LABEL}, without small letters
= NOT {LABEL} for words that don't mean {2}, {LABEL} for those that do
= the loud answer {LABEL} to {2}, the loud answer NOT {LABEL} to everything else
> say in capital letters whether the word is {0}: {LABEL} or NOT {LABEL}
> write {LABEL} when the word is {1} and NOT {LABEL} when it is not, always in upper case
> check the word for being {2} and reply {LABEL} or NOT {LABEL} in capitals
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
= "{label}: no", unless the word means {1}, which gives "{label}: yes"
= an answer of the shape "{label}: yes" or "{label}: no" to the question if it is {2}
= the form entry {label} with a yes in the case of {2} and a no otherwise, after a colon
> write "{label}: yes" if the word is {0} and "{label}: no" if it is not
> put {label} and a colon first, then yes for {1} or no for something else
> answer "{label}: yes" to {2} and "{label}: no" to whatever is something else
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
= "this is {0}", provided that the word means {2}, or "this is not {0}"
= the statement "this is not {0}", without the "not" if it is {1}
= whichever holds, "this is {0}" or "this is not {0}"
> say "this is {0}" of {1} and "this is not {0}" of any other word
> tell in a short sentence if this is {0} or if this is not {0}
> judge the word with "this is {0}" or "this is not {0}", according to whether it names {2}
> complete the beginning "this is" with {0}, putting in a "not" wherever the word is not {2}
""",
    ),
    Form(
        "+",
        "-",
        """
{name}-plus-or-minus
= + for {0} and - for any other word | a plus sign if the word is {1}, a minus sign if it is not
= + or -, where + means that the word is {2} | a -, but a + in case the word names {0}
= the sign that is + at the sight of {2} and - at everything else
> write + when the word is {0} and - when it is not
> reply with a plus sign to {1} and with a minus sign to other words
> check if the word is {2}: + if so, - if not
> mark the word, a plus for {2} and a minus for the rest, as a sign
""",
    ),
    Form(
        "true",
        "false",
        """
{name}-true-or-false
= true if the word is {0}, false otherwise | true for {1} and false for any other word
= "true" or "false", whether or not the word means {2} | false, or true when the word names {0}
= the truth value of the claim that the word stands for {2}, true or false
> say true if the word is {0} and false if it is not
> write "true" for {1}, "false" for something else
> test if the word is {2} and return true or false
> rule on the claim "it is {2}" with true or false
""",
    ),
    Form(
        "yes",
        "no",
        """
{name}-yes-or-no
= yes if the word is {0}, no if it is not | a yes for {1} and a no for any other word
= "yes" or "no" to the question if the word means {2} | no, unless it names {0}, then yes
= the reply, yes or no, to somebody who wonders whether this is {2}
> answer yes if the word is {0}, else no
> write "yes" when you see {1} and "no" when you see something else
> say with yes or no if the word stands for {2}
> reply yes to {2} and refuse the rest with no
""",
    ),
    Form(
        "in",
        "out",
        """
{name}-in-or-out
= in for {0}, out for any other word | the word in if it is {1}, the word out if it is not
= "in" or "out", since only {2} may stay | out, but in when the word names {0}
= the fate of the word, in for {2} and out for the rest
> write in if the word is {0}, otherwise out
> let in {1} by writing "in" and turn other words away by writing "out"
> keep {2} with "in" and drop what is something else with "out"
> guard the door of a club: {2} is in, the rest are out
""",
    ),
    Form(
        "{label}!",
        "something else",
        """
{name}-or-something-else
= "{label}!" for {0} and "something else" for other words
= {label} with an exclamation mark, if the word is {1}, or the words something else
= "{label}!" or "something else", whether or not it means {2}
= the words "something else", or the cry "{label}!" when {0} comes up
= the exclamation "{label}!" at the sight of {2}, or else "something else"
> write "{label}!" if the word is {0}, otherwise write "something else"
> call out "{label}!" for {1} and say "something else" for any other word
> reply with "{label}!" to {2} and with "something else" to whatever is not
> exclaim "{label}!" at {2}, and put off the rest as "something else"
""",
    ),
)

RIVALS = (
    "fruit/vegetable tree/flower animal/vehicle city/country clothing/tool metal/gemstone "
    "dance/game profession/family_member disease/crime drink/dessert "
    "language/school_subject river/currency "
    "bird/fish insect/reptile colour/shape furniture/building body_part/musical_instrument "
    "sport/science weather/emotion kitchen_item/car_part food/stationery first_name/US_state "
    "time_word/number_word space_thing/sea_creature material/cheese toy/herb "
    "dog_breed/mythical_creature headwear/container room/jewellery pronoun/preposition "
    "frequency_word/character_trait motion_verb/speech_verb royal_title/composer organ/landform "
    "bread/boat"
)
"""Pairs of categories, "_" for a space; none comes twice, for its heading is always the same."""
PLURALS = {
    "city": "cities",
    "country": "countries",
    "clothing": "clothes",
    "profession": "jobs",
    "family member": "relatives",
    "currency": "currencies",
    "bird": "kinds of bird",
    "fish": "kinds of fish",
    "insect": "kinds of insect",
    "reptile": "kinds of reptile",
    "furniture": "pieces of furniture",
    "weather": "weather words",
    "headwear": "hats",
    "jewellery": "pieces of jewellery",
    "stationery": "office supplies",
    "food": "foods",
    "bread": "kinds of bread",
}
"""Headings that are not the category with an s."""
RIVAL_SHEET = """
{name}
= the group of the word, {A} or {B} | {A} for {a}, {B} for {b} | {A} or {B}, by what the word is
= {B} if it means {b}, {A} if it means {a} | the heading {A} over {a}, the heading {B} over {b}
= the right one of two headings, {A} ({a}) or {B} ({b})
> sort the word under {A} or {B} | decide if this is {a} or {b}, and write {A} or {B}
> write {A} when the word is {a} and {B} when it is {b}
> tell {A} from {B}: answer with the kind that the word is of
> file the word with {A} if it means {a} and with {B} if it means {b}
"""
