"""The tasks that stand alone: inflection, derivation and short frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, describe_each
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.morphology.grid import grid_drafts
from benchmarks.suite.families.morphology.words import (
    AGENTS,
    IRREGULAR_PASTS,
    PARTICIPLES,
    VERBS,
    WORDS,
)

INPUT_NOUNS = {
    "verb": ("a verb", "an English verb", "the base form of a verb"),
    "noun": ("a noun", "an English noun", "a noun in the singular"),
    "adjective": ("an adjective", "an English adjective"),
    "word": ("a word", "a positive word"),
}
PHRASES = read_toml(
    Path(__file__).with_name("phrases.toml"), dict[str, dict[str, Phrases]], keys=INPUT_NOUNS
)
IRREGULAR_PLURALS = {"thief": "thieves", "person": "people"}
"""What inflect gets wrong."""

Pairs = Mapping[str, Mapping[str, str]]


def tasks() -> list[Draft]:
    """Return the drafts of the family, the grid's last."""
    un = {"negated": map_inputs(WORDS.words_with_un, lambda word: f"un{word}")}
    pairs: dict[str, Pairs] = {
        "verb": _verbs(),
        "noun": _nouns(),
        "adjective": _adjectives(),
        "word": un,
    }
    drafts: list[Draft] = []
    for kind, nouns in INPUT_NOUNS.items():
        drafts += describe_each(PHRASES[kind], nouns, pairs[kind])
    return drafts + grid_drafts(pairs["verb"], pairs["noun"]["plural"])


def _inflections(word: str, tag: str) -> list[str]:
    from lemminflect import getInflection

    return [*getInflection(word, tag)]


def _verbs() -> Pairs:
    def past(verb: str) -> str:
        return IRREGULAR_PASTS.get(verb) or _inflections(verb, "VBD")[0]

    def gerund(verb: str) -> str:
        return _inflections(verb, "VBG")[0]

    functions: dict[str, Callable[[str], str | None]] = {
        "past": past,
        "participle": lambda verb: PARTICIPLES.get(verb),
        "gerund": gerund,
        "third-person": lambda verb: _inflections(verb, "VBZ")[0],
        "future": lambda verb: f"will {verb}",
        "infinitive": lambda verb: f"to {verb}",
        "agent": lambda verb: AGENTS.get(verb),
        "prohibition": lambda verb: f"do not {verb}",
        "question": lambda verb: f"do you {verb}?",
        "progressive": lambda verb: f"I am {gerund(verb)}",
        "proposal": lambda verb: f"let us {verb}",
        "ability": lambda verb: f"can {verb}",
        "perfect": lambda verb: f"have {PARTICIPLES.get(verb) or past(verb)}",
        "past-negative": lambda verb: f"did not {verb}",
        "third-person-negative": lambda verb: f"does not {verb}",
    }
    return {name: map_inputs(VERBS, function) for name, function in functions.items()}


def _nouns() -> Pairs:
    import inflect

    engine = inflect.engine()

    def plural(noun: str) -> str:
        return IRREGULAR_PLURALS.get(noun) or engine.plural_noun(noun)

    functions: dict[str, Callable[[str], str]] = {
        "plural": plural,
        "article": engine.a,
        "two": lambda noun: f"two {plural(noun)}",
        "possessive": lambda noun: f"{noun}'s",
        "plural-possessive": lambda noun: plural(noun) + ("'" if plural(noun)[-1] == "s" else "'s"),
        "none": lambda noun: f"no {noun}",
        "these": lambda noun: f"these {plural(noun)}",
        "small-one": lambda noun: f"a small {noun}",
    }
    return {name: map_inputs(WORDS.nouns, function) for name, function in functions.items()}


def _adjectives() -> Pairs:
    words = WORDS.adjectives
    with_ly = [word for word in words if word not in WORDS.adjectives_without_ly]
    with_ness = [word for word in words if word not in WORDS.adjectives_without_ness]
    return {
        "comparative": map_inputs(words, lambda word: _inflections(word, "JJR")[0]),
        "superlative": map_inputs(words, lambda word: _inflections(word, "JJS")[-1]),
        "adverb": map_inputs(with_ly, _adverb),
        "quality": map_inputs(with_ness, lambda word: f"{_before_suffix(word)}ness"),
        "very": map_inputs(words, lambda word: f"very {word}"),
        "too": map_inputs(words, lambda word: f"too {word}"),
        "equality": map_inputs(words, lambda word: f"as {word} as"),
    }


def _adverb(word: str) -> str:
    if word.endswith(("le", "ll")):
        return f"{word[:-1]}y" if word.endswith("le") and word[-3] not in "aeiou" else f"{word}y"
    return f"{_before_suffix(word)}ly"


def _before_suffix(word: str) -> str:
    """Change a final y to i, except in words of one syllable."""
    return f"{word[:-1]}i" if word.endswith("y") and word not in ("dry", "shy") else word
