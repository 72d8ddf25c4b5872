"""Morphology: a verb, noun or adjective, inflected or put into a frame; lemminflect, inflect."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.grids.morphology import cells
from benchmarks.suite.lexicon import inflected
from benchmarks.suite.lexicon.asking import drafts
from benchmarks.suite.lexicon.inflections import ADJECTIVE_SHEET, NOUN_SHEET, UN_SHEET, VERB_SHEET


def _verbs() -> dict[str, dict[str, str]]:
    from lemminflect import getInflection

    pasts, participles = inflected.pasts(), inflected.participles()

    def past(verb: str) -> str:
        return pasts.get(verb) or getInflection(verb, "VBD")[0]

    def gerund(verb: str) -> str:
        return getInflection(verb, "VBG")[0]

    told: dict[str, Callable[[str], str | None]] = {
        "past": past,
        "participle": participles.get,
        "gerund": gerund,
        "third-person": lambda verb: getInflection(verb, "VBZ")[0],
        "future": lambda verb: f"will {verb}",
        "infinitive": lambda verb: f"to {verb}",
        "agent": inflected.agents().get,
        "prohibition": lambda verb: f"do not {verb}",
        "question": lambda verb: f"do you {verb}?",
        "progressive": lambda verb: f"I am {gerund(verb)}",
        "proposal": lambda verb: f"let us {verb}",
        "ability": lambda verb: f"can {verb}",
        "perfect": lambda verb: f"have {participles.get(verb) or past(verb)}",
        "past-negative": lambda verb: f"did not {verb}",
        "third-person-negative": lambda verb: f"does not {verb}",
    }
    return {name: mapped(inflected.verbs(), function) for name, function in told.items()}


def _nouns() -> dict[str, dict[str, str]]:
    import inflect

    engine = inflect.engine()
    irregular = {"thief": "thieves", "person": "people"}

    def plural(noun: str) -> str:
        return irregular.get(noun) or engine.plural_noun(noun)

    told: dict[str, Callable[[str], str]] = {
        "plural": plural,
        "article": engine.a,
        "two": lambda noun: f"two {plural(noun)}",
        "possessive": lambda noun: f"{noun}'s",
        "plural-possessive": lambda noun: plural(noun) + ("'" if plural(noun)[-1] == "s" else "'s"),
        "none": lambda noun: f"no {noun}",
        "these": lambda noun: f"these {plural(noun)}",
        "small-one": lambda noun: f"a small {noun}",
    }
    return {name: mapped(inflected.nouns(), function) for name, function in told.items()}


def _adjectives() -> dict[str, dict[str, str]]:
    from lemminflect import getInflection

    words = inflected.adjectives()
    return {
        "comparative": mapped(words, lambda word: getInflection(word, "JJR")[0]),
        "superlative": mapped(words, lambda word: getInflection(word, "JJS")[-1]),
        "adverb": mapped(inflected.with_adverb(), _adverb),
        "quality": mapped(inflected.with_ness(), lambda word: f"{_before_suffix(word)}ness"),
        "very": mapped(words, lambda word: f"very {word}"),
        "too": mapped(words, lambda word: f"too {word}"),
        "equality": mapped(words, lambda word: f"as {word} as"),
    }


def _adverb(word: str) -> str:
    if word.endswith(("le", "ll")):
        return f"{word[:-1]}y" if word.endswith("le") and word[-3] not in "aeiou" else f"{word}y"
    return f"{_before_suffix(word)}ly"


def _before_suffix(word: str) -> str:
    """Final y becomes i, except in words of one syllable."""
    return f"{word[:-1]}i" if word.endswith("y") and word not in ("dry", "shy") else word


def tasks() -> list[Draft]:
    """Inflection, derivation and short frames."""
    un = {"negated": mapped(inflected.negatable(), lambda word: f"un{word}")}
    verbs, nouns = _verbs(), _nouns()
    return [
        *drafts(VERB_SHEET, ("a verb", "an English verb", "the base form of a verb"), verbs),
        *drafts(NOUN_SHEET, ("a noun", "an English noun", "a noun in the singular"), nouns),
        *drafts(ADJECTIVE_SHEET, ("an adjective", "an English adjective"), _adjectives()),
        *drafts(UN_SHEET, ("a word", "a positive word"), un),
        *cells(verbs, nouns),
    ]
