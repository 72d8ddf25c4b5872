"""countries: a fact, and the way in which it is written; facts told in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.suite.draft import Draft
from benchmarks.suite.grids.dressed import dressed, plain, sentences
from benchmarks.suite.lexicon.asking import Said
from benchmarks.suite.lexicon.manners import ALONE, BESIDE

Pairs = Mapping[str, Mapping[str, str]]

NOUNS = ("a country", "the name of a country", "a country's name")
NAMES = ("capital", "demonym", "language", "continent", "currency")
CODES = ("currency-code", "two-letter-code", "three-letter-code", "domain", "phone-prefix")
WAYS = ALONE | BESIDE
PLAIN = {name: way for name, way in WAYS.items() if "capitals" not in name and name != "small"}
"""For codes, which are written in capitals anyway, or have no letters."""
ELSEWHERE = ("capital-capitals",)
SENTENCES = """
capital = The capital of {1} is {0}.
demonym = People from {1} are {0}.
language = The main language of {1} is {0}.
continent = {1} is part of {0}.
currency-code = In {1} one pays in {0}.
two-letter-code = {1} is abbreviated {0}.
domain = Websites from {1} end in {0}.
phone-prefix = To phone {1}, dial {0}.
"""
ARTICLED = frozenset(("Netherlands", "Philippines", "United Kingdom", "United States"))


def cells(known: Pairs, said: Mapping[str, Said]) -> Iterator[Draft]:
    """Facts times ways of writing, over the family's pairs and what it calls them."""
    answers = {name: (plain(said[name][0]), known[name]) for name in (*NAMES, *CODES)}
    yield from dressed({n: answers[n] for n in NAMES}, WAYS, NOUNS, 6, ELSEWHERE)
    yield from dressed({n: answers[n] for n in CODES}, PLAIN, NOUNS, 5, ELSEWHERE)
    yield from sentences(answers, SENTENCES, NOUNS, with_article)


def with_article(name: str) -> str:
    """The name, after "the" where English has it."""
    return f"the {name}" if name in ARTICLED else name
