"""The sentences to be labelled: drawn part by part, or patterns filled with words."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.suite.data import read_toml

DRAWN_SENTENCES = 200
SENTENCES_PER_SIDE = 75
"""Sentences of patterns at most, for each of the two labels."""


@dataclass(frozen=True, slots=True)
class SentenceParts:
    """Words and forms of the sentences that are drawn."""

    people: tuple[str, ...]
    things: tuple[str, ...]
    praise: tuple[str, ...]
    criticism: tuple[str, ...]
    polite_forms: tuple[str, ...]
    rude_forms: tuple[str, ...]
    requests: tuple[str, ...]


_PARTS = read_toml(Path(__file__).with_name("sentence_parts.toml"), SentenceParts)


def drawn_sentences() -> dict[str, dict[str, bool]]:
    """Return each drawn sentence with the distinctions that it has, and whether they hold."""
    return _opinions() | _requests()


def _opinions() -> dict[str, dict[str, bool]]:
    rng = random.Random("labels")
    pool: dict[str, dict[str, bool]] = {}
    while len(pool) < DRAWN_SENTENCES:
        good, past, interrogative, person = (rng.random() < 0.5 for _ in range(4))
        subject = rng.choice(_PARTS.people if person else _PARTS.things)
        opinion = rng.choice(_PARTS.praise if good else _PARTS.criticism)
        noun = f"{rng.choice(('the', 'our', 'that', 'your'))} {subject}"
        if interrogative:
            text = f"was {noun} {opinion}?" if past else f"will {noun} be {opinion}?"
        else:
            text = f"{noun} {'was' if past else 'will be'} {opinion}."
        holds = {"tense": past, "mood": interrogative, "topic": person}
        pool[text.capitalize()] = holds if interrogative else holds | {"sentiment": good}
    return pool


def _requests() -> dict[str, dict[str, bool]]:
    forms = [(form, True) for form in _PARTS.polite_forms]
    forms += [(form, False) for form in _PARTS.rude_forms]
    texts = {form.format(ask): polite for form, polite in forms for ask in _PARTS.requests}
    return {_capitalised(text): {"politeness": polite} for text, polite in texts.items()}


def fill_patterns(
    name: str, patterns: Sequence[str], words: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return the patterns filled with every choice of words, shuffled with the name as seed."""
    sentences = [
        pattern.format(**dict(zip(words, chosen, strict=True)))
        for pattern in patterns
        for chosen in product(*words.values())
    ]
    sentences = [_capitalised(text) for text in dict.fromkeys(sentences)]
    random.Random(f"labels {name}").shuffle(sentences)
    return sentences[:SENTENCES_PER_SIDE]


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
