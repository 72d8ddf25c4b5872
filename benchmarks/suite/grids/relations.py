"""relations: a relation, and the way in which its answer is written; relations in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.suite.draft import Draft
from benchmarks.suite.shared.nations import with_article
from benchmarks.suite.grids.dressed import dressed, plain, sentences
from benchmarks.suite.lexicon.asking import Said
from benchmarks.suite.lexicon.fields import without
from benchmarks.suite.lexicon.manners import ALONE, BESIDE

NOUNS = ("a word or a name", "a term", "a single expression")
ASKED = (
    "antonym synonym female american-spelling workplace tool colour material room animal-young "
    "animal-sound animal-home animal-group capital-to-country demonym-to-country "
    "state-abbreviation element-symbol male symbol-to-element abbreviation-to-state use whole "
    "shop homophone city-country dish-country state-capital"
).split()
WAYS = without(ALONE | BESIDE, "small", "sir")
ELSEWHERE = ("antonym-capitals", "state-abbreviation-capitals")
SENTENCES = """
antonym = The opposite of {1} is {0}.
synonym = Instead of {1} one can say {0}.
workplace = The workplace of the {1} is the {0}.
tool = The {1} needs the {0}.
colour = The colour of the {1} is {0}.
material = The material of the {1} is {0}.
room = The place of the {1} is the {0}.
animal-young = The young of the {1} is the {0}.
animal-home = The home of the {1} is the {0}.
animal-diet = The {1} is one of the {0}s.
state-abbreviation = Letters to {1} are sent to {0}.
element-symbol = Chemists write {0} for {1}.
element-number = The atomic number of {1} is {0}.
capital-to-country = {1} is the capital of {0}.
"""


def cells(known: Mapping[str, Mapping[str, str]], said: Mapping[str, Said]) -> Iterator[Draft]:
    """Relations times ways of writing, over the family's pairs and what it calls them."""
    answers = {
        name: (plain(what), known[name]) for name, (what, _) in said.items() if name in known
    }
    yield from dressed({name: answers[name] for name in ASKED}, WAYS, NOUNS, 2, ELSEWHERE)
    what, pairs = answers["capital-to-country"]
    governed = what, {city: with_article(country) for city, country in pairs.items()}
    yield from sentences(answers | {"capital-to-country": governed}, SENTENCES, NOUNS)
