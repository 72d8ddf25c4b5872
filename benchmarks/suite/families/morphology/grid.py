"""Subject by form of the verb; determiner by adjective; quantities before a plural."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import NamedValue, Names, Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.shared.clauses import CLAUSE_FORMS, SUBJECTS, Verb, clause

VERB_NOUNS = ("a verb", "an English verb", "the base form of a verb")
NOUN_NOUNS = ("a noun", "an English noun", "a noun in the singular")


@dataclass(frozen=True, slots=True)
class Determiner(NamedValue):
    """What stands before an adjective; the noun is in the plural if so."""

    plural: bool = False


@dataclass(frozen=True, slots=True)
class Adjective(Names):
    """What an adjective is called, and its indefinite article."""

    article: str


_FOLDER = Path(__file__).parent
PHRASES = read_toml(
    _FOLDER / "grid_phrases.toml", dict[str, Phrases], keys=("verb", "noun", "plural")
)
DETERMINERS = read_toml(_FOLDER / "determiners.toml", dict[str, Determiner])
ADJECTIVES = read_toml(_FOLDER / "adjectives.toml", dict[str, Adjective])
QUANTITIES = read_toml(_FOLDER / "quantities.toml", dict[str, NamedValue])
DUPLICATES = {"i-progressive", "you-question"}
"""Cells that the family has under other names."""

Cell = tuple[str, Mapping[str, str], Phrases]
"""Name, pairs and phrases."""


def grid_drafts(verbs: Mapping[str, Mapping[str, str]], plurals: Mapping[str, str]) -> list[Draft]:
    """Return one draft per cell.

    Args:
        verbs: pairs of the tasks third-person, past, gerund and participle; walk is among them.
        plurals: noun to its plural; dog is among them.
    """
    cells = ((VERB_NOUNS, _clauses(verbs)), (NOUN_NOUNS, _nouns(plurals)))
    return [
        describe(name, phrases, input_nouns, pairs)
        for input_nouns, own in cells
        for name, pairs, phrases in own
        if name not in DUPLICATES
    ]


def _clauses(verbs: Mapping[str, Mapping[str, str]]) -> Iterator[Cell]:
    third, past, gerund, participle = (
        verbs[name] for name in ("third-person", "past", "gerund", "participle")
    )
    forms = [
        Verb(base, third[base], past[base], gerund[base], participle.get(base, past[base]))
        for base in past
    ]
    for subject in SUBJECTS:
        for form, names in CLAUSE_FORMS.items():
            end = "?" if "question" in form else ""
            pairs = {verb.base: clause(subject, form, verb) + end for verb in forms}
            phrases = fill_fields(
                PHRASES["verb"], pairs["walk"], subject=f'"{subject}"', form=names
            )
            yield f"{subject.lower()}-{form}", pairs, phrases


def _nouns(plurals: Mapping[str, str]) -> Iterator[Cell]:
    for name, determiner in DETERMINERS.items():
        for word, adjective in ADJECTIVES.items():
            words = f"{determiner.value.replace('{a}', adjective.article)} {word}"
            pairs = _put_before(words, plurals.get if determiner.plural else str, plurals)
            phrases = fill_fields(
                PHRASES["noun"], pairs["dog"], determiner=determiner, adjective=adjective
            )
            yield f"{name}-{word}", pairs, phrases
    for name, quantity in QUANTITIES.items():
        pairs = _put_before(quantity.value, plurals.get, plurals)
        yield (
            f"{name}-plural",
            pairs,
            fill_fields(PHRASES["plural"], pairs["dog"], quantity=quantity),
        )


def _put_before(
    words: str, inflect: Callable[[str], str | None], nouns: Mapping[str, str]
) -> dict[str, str]:
    return map_inputs(nouns, lambda noun: f"{words} {inflect(noun)}")
