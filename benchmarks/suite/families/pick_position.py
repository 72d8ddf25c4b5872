"""Of four words, those at asked positions, or in an asked order, by place, length or alphabet."""

from __future__ import annotations

import random

from benchmarks.suite.draft import Draft, worded
from benchmarks.suite.grids.pick_position import cells
from benchmarks.suite.lexicon import common_words, rearranged
from benchmarks.suite.lexicon.positions import EXTREMES, ORDERS, PLACES, Words

_TEMPLATES = (
    "Write {}.",
    "What is {}?",
    "You will be given four words separated by commas. Return {}.",
    "Output {} and nothing else.",
    "Please give me {}.",
    "From a list of four words, take {}.",
    "Look at the comma-separated list and copy out {}.",
    "Your answer should be {}.",
    "I need {}, can you write it down?",
    "The input is a list of words. The output is {}.",
    "list of four words -> {}",
    "Read the list and respond with {}.",
    "Given some words in a row, print {}.",
    "The answer is always {}, whatever the words mean.",
    "Show {} for the list that is given.",
    "Here is a list; tell me {}.",
    "For every list, reply only with {}.",
    "Don't think about meaning, simply output {}.",
)

_EVAL_TEMPLATES = (
    "Each input holds four items; your reply must consist of {}.",
    "Kindly produce {} when somebody shows you an enumeration.",
    "result = {}",
    "Someone reads a list aloud to you. Repeat {}.",
    "The correct response to a list is {}.",
)


def _clear(words: Words, rng: random.Random) -> bool:
    """One longest and one shortest word, and seldom one that is extreme in two ways."""
    lengths = sorted(map(len, words))
    extremes = {function(words) for function, _ in EXTREMES.values()}
    unique = lengths[0] < lengths[1] and lengths[2] < lengths[3]
    return unique and (len(extremes) == 4 or rng.random() < 0.15)


def _pools() -> tuple[list[str], list[str]]:
    """Lists for the places and lists for the extremes; the orders are asked about both."""
    rng = random.Random("pick_position")
    words = [word for word in common_words() if len(word) <= 7]
    places = [rng.sample(words, 4) for _ in range(120)]
    drawn = (rng.sample(words, 4) for _ in range(4000))
    extremes = [made for made in drawn if _clear(made, rng)][:120]
    return [", ".join(made) for made in places], [", ".join(made) for made in extremes]


def tasks() -> list[Draft]:
    """A place and an extreme agree on every fourth list, hence their two pools."""
    places, extremes = _pools()
    pools = ((PLACES, places), (ORDERS, places + extremes), (EXTREMES, extremes))
    made = [
        Draft(
            name,
            worded(_TEMPLATES, *phrases),
            worded(_EVAL_TEMPLATES, *phrases),
            {source: function(source.split(", ")) for source in pool},
        )
        for kinds, pool in pools
        for name, (function, phrases) in kinds.items()
    ]
    for asked, pool in ((rearranged.ORDERS, places + extremes), (rearranged.EXTREMES, extremes)):
        made += [
            Draft(
                name,
                worded(_TEMPLATES, *asking.phrases),
                worded(_EVAL_TEMPLATES, asking.unseen),
                {source: asking.answer(source.split(", ")) for source in pool},
            )
            for name, asking in asked.items()
        ]
    return [*made, *cells(places, extremes)]
