"""Of four words, those at asked positions, or in an asked order, by place, length or alphabet."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft
from benchmarks.suite.families.pick_position.grid import grid_drafts
from benchmarks.suite.families.pick_position.questions import (
    EXTREMES,
    FURTHER_EXTREMES,
    FURTHER_ORDERS,
    ORDERS,
    PLACES,
)
from benchmarks.suite.shared.categories import common_words

LISTS_PER_POOL = 120
TEMPLATES = read_toml(Path(__file__).with_name("templates.toml"), Templates)


def tasks() -> list[Draft]:
    """Return the drafts of all questions; those about places and extremes have a pool each.

    A place and an extreme agree on every fourth list, so one pool would not tell them apart.
    """
    places, extremes = _pools()
    families = (
        (PLACES, places),
        (ORDERS, places + extremes),
        (EXTREMES, extremes),
        (FURTHER_ORDERS, places + extremes),
        (FURTHER_EXTREMES, extremes),
    )
    drafts = [
        TEMPLATES.draft(
            name,
            question.phrases,
            question.eval_phrases or question.phrases,
            {source: question.answer(source.split(", ")) for source in pool},
        )
        for questions, pool in families
        for name, question in questions.items()
    ]
    return [*drafts, *grid_drafts(places, extremes)]


def _pools() -> tuple[list[str], list[str]]:
    """Return lists for the places and lists for the extremes."""
    rng = random.Random("pick_position")
    words = [word for word in common_words() if len(word) <= 7]
    places = [rng.sample(words, 4) for _ in range(LISTS_PER_POOL)]
    drawn = (rng.sample(words, 4) for _ in range(4000))
    extremes = [own for own in drawn if _is_clear(own, rng)][:LISTS_PER_POOL]
    return [", ".join(own) for own in places], [", ".join(own) for own in extremes]


def _is_clear(words: list[str], rng: random.Random) -> bool:
    """Accept one longest and one shortest word, and seldom one that is extreme in two ways."""
    lengths = sorted(map(len, words))
    extremes = {question.answer(words) for question in EXTREMES.values()}
    unique = lengths[0] < lengths[1] and lengths[2] < lengths[3]
    return unique and (len(extremes) == 4 or rng.random() < 0.15)
