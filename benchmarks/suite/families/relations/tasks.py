"""Relations of words, professions, things, animals, places and elements; some derived."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, describe
from benchmarks.suite.draft import Draft
from benchmarks.suite.families.relations.grid import grid_drafts
from benchmarks.suite.families.relations.pairs import DERIVED_RELATIONS, known_pairs


@dataclass(frozen=True)
class Relation(Phrases):
    """What an input is called, and how to ask for what is related to it."""

    input_nouns: tuple[str, ...]


_FOLDER = Path(__file__).parent
RELATIONS = (
    read_toml(_FOLDER / "relations.toml", dict[str, Relation])
    | DERIVED_RELATIONS
    | read_toml(_FOLDER / "associations.toml", dict[str, Relation])
    | read_toml(_FOLDER / "places.toml", dict[str, Relation])
)


def tasks() -> list[Draft]:
    """Return one draft per relation, and the grid over their pairs."""
    pairs = known_pairs()
    drafts = [
        describe(name, relation, relation.input_nouns, pairs[name])
        for name, relation in RELATIONS.items()
    ]
    return [*drafts, *grid_drafts(pairs, RELATIONS)]
