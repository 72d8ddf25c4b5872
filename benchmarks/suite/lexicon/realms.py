"""Realms: what several categories have in common, each with three noun phrases for a member."""

from __future__ import annotations

from itertools import chain

from benchmarks.suite.lexicon.categories import CATEGORIES
from benchmarks.suite.lexicon.kinds import KINDS, Kind

_TEXT = """
creature: an animal of any sort; a creature, though not a human; a beast, bird, fish or bug
= animal, bird, fish, insect, reptile, sea creature
plant: a plant; something that grows in the ground; a plant, be it a tree, flower or herb
= tree, flower, herb
edible: something edible; food of any sort; something that one can eat, be it sweet or salty
= fruit, vegetable, dessert, bread, cheese
person: a human being; a person of any sort; somebody, by job, rank or family
= profession, family member, royal title
place: a place; somewhere one can go; a location, be it a building, a town or a piece of nature
= building, city, country, landform
wearable: something wearable; a thing that one puts on; clothes or an ornament, worn on the body
= clothing, headwear, jewellery
conveyance: something that carries people; a thing to travel with; a conveyance on land, sea or air
= vehicle, boat
abstraction: something abstract; a thing that nobody can touch; an idea, not an object
= emotion, science, time word
"""

REALM_CLASHES = ({"plant", "edible"}, {"creature", "edible"})
"""Realms that are never asked about together."""


def realms() -> dict[str, Kind]:
    """Each realm with the words of all its categories."""
    known = CATEGORIES | {name: kind.words for name, kind in KINDS.items()}
    made: dict[str, Kind] = {}
    for block in _TEXT.strip().replace("\n= ", " = ").splitlines():
        heading, categories = block.split(" = ")
        name, phrases = heading.split(": ")
        words = chain.from_iterable(known[category] for category in categories.split(", "))
        made[name] = Kind(tuple(phrases.split("; ")), tuple(words))
    return made
