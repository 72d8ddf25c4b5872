"""Codes, names and labels of well-known countries, alone and together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, describe, describe_each
from benchmarks.suite.draft import Draft
from benchmarks.suite.families.countries.facts import known_facts
from benchmarks.suite.families.countries.grid import INPUT_NOUNS, grid_drafts
from benchmarks.suite.shared.answer_formats import Case, change_case
from benchmarks.suite.shared.nations import NATIONS

Facts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class ComposedFact(Phrases):
    """A pattern with fields for facts, and phrases; see composed_facts.toml."""

    pattern: str
    case: Case = ""


@dataclass(frozen=True, slots=True)
class YesNoLabels:
    """Continents and languages that are told of some countries; see yes_no_labels.toml."""

    languages: tuple[str, ...]
    undecided: tuple[str, ...]
    continents: dict[str, str]
    continent_phrases: Phrases
    language_phrases: Phrases


_FOLDER = Path(__file__).parent
PHRASES = read_toml(_FOLDER / "phrases.toml", dict[str, Phrases])
COMPOSED_FACTS = read_toml(_FOLDER / "composed_facts.toml", dict[str, ComposedFact])
YES_NO_LABELS = read_toml(_FOLDER / "yes_no_labels.toml", YesNoLabels)


def tasks() -> list[Draft]:
    """Return the drafts of facts, of composed facts, of labels, and of the grid."""
    facts = known_facts()
    drafts = describe_each(PHRASES, INPUT_NOUNS, facts)
    for name, own in COMPOSED_FACTS.items():
        drafts.append(describe(name, own, INPUT_NOUNS[:2], _composed(own, facts)))
    for name, phrases, pairs in _labels(facts):
        drafts.append(describe(name, phrases, INPUT_NOUNS[:2], pairs))
    return [*drafts, *grid_drafts(facts, PHRASES)]


def _composed(composed: ComposedFact, facts: Facts) -> dict[str, str]:
    """Fill the pattern for every country of which all its facts are known."""
    fields = [field for _, field, _, _ in Formatter().parse(composed.pattern) if field]
    pairs = {}
    for nation in NATIONS:
        own = {name: known.get(nation.name) for name, known in facts.items()}
        own["country"] = nation.name
        if all(own[field] for field in fields):
            pairs[nation.name] = change_case(composed.pattern.format(**own), composed.case)
    return pairs


def _labels(facts: Facts) -> Iterator[tuple[str, Phrases, dict[str, str]]]:
    """Yield name, phrases and pairs of labels told of some countries and denied of the others."""
    labels = YES_NO_LABELS
    for continent, adjective in labels.continents.items():
        yield (
            f"{adjective.lower()}-or-not",
            labels.continent_phrases.format(label=adjective, continent=continent),
            {
                country: adjective if own == continent else f"non-{adjective}"
                for country, own in facts["continent"].items()
            },
        )
    for language in labels.languages:
        yield (
            f"{language.lower()}-spoken",
            labels.language_phrases.format(label=language),
            {
                country: f"{language}: {'yes' if own == language else 'no'}"
                for country, own in facts["language"].items()
                if country not in labels.undecided
            },
        )
