"""Of four words, those at asked positions, or in an asked order, by place, length or alphabet."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from t2l_fast.tasks.draft import Draft, worded
from t2l_fast.tasks.lexicon import common_words

Words = Sequence[str]

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

_PLACES: dict[str, tuple[Callable[[Words], str], tuple[str, ...]]] = {
    "first": (
        lambda w: w[0],
        ("the first word", "the word at the beginning of the list", "word number one"),
    ),
    "second": (
        lambda w: w[1],
        ("the second word", "the word right after the first one", "word number two"),
    ),
    "third": (
        lambda w: w[2],
        ("the third word", "the word just before the last one", "word number three"),
    ),
    "last": (
        lambda w: w[3],
        ("the last word", "the word at the end of the list", "the final word of the four"),
    ),
}

_ORDERS: dict[str, tuple[Callable[[Words], str], tuple[str, ...]]] = {
    "first-upper": (
        lambda w: w[0].upper(),
        ("the first word in capital letters", "the first word of the list, in upper case"),
    ),
    "last-upper": (
        lambda w: w[3].upper(),
        ("the last word in capital letters", "the final word of the list, in upper case"),
    ),
    "first-and-last": (
        lambda w: f"{w[0]}, {w[3]}",
        ("the first word and then the last word", "the two outer words in their order"),
    ),
    "last-and-first": (
        lambda w: f"{w[3]}, {w[0]}",
        ("the last word and then the first word", "the two outer words, the last one in front"),
    ),
    "first-two": (
        lambda w: ", ".join(w[:2]),
        ("the first two words", "the first half of the list", "words one and two"),
    ),
    "last-two": (
        lambda w: ", ".join(w[2:]),
        ("the last two words", "the second half of the list", "words three and four"),
    ),
    "middle-two": (
        lambda w: ", ".join(w[1:3]),
        ("the middle two words", "the two words in the middle of the list", "words two and three"),
    ),
    "first-and-third": (
        lambda w: f"{w[0]}, {w[2]}",
        ("the first and the third word", "words one and three", "every other word from the first"),
    ),
    "second-and-last": (
        lambda w: f"{w[1]}, {w[3]}",
        ("the second and the fourth word", "words two and four", "the second and the last word"),
    ),
    "all-but-first": (
        lambda w: ", ".join(w[1:]),
        ("all words except the first", "the list without its first word"),
    ),
    "all-but-last": (
        lambda w: ", ".join(w[:3]),
        ("all words except the last", "the list without its final word"),
    ),
    "reversed": (
        lambda w: ", ".join(w[::-1]),
        ("all four words in reverse order", "the list backwards, from the last word to the first"),
    ),
    "swap-first-two": (
        lambda w: ", ".join((w[1], w[0], w[2], w[3])),
        ("the list with its first two words swapped", "all words, the second before the first"),
    ),
    "first-to-end": (
        lambda w: ", ".join((*w[1:], w[0])),
        ("the list with its first word moved to the end", "all words, the first one put last"),
    ),
    "alphabetical": (
        lambda w: ", ".join(sorted(w)),
        ("the four words in alphabetical order", "the list sorted from A to Z"),
    ),
}

_EXTREMES: dict[str, tuple[Callable[[Words], str], tuple[str, ...]]] = {
    "longest": (
        lambda w: max(w, key=len),
        ("the longest word", "the word with the most letters"),
    ),
    "shortest": (
        lambda w: min(w, key=len),
        ("the shortest word", "the word with the fewest letters"),
    ),
    "alphabetically-first": (
        min,
        ("the word that comes first in the alphabet", "the alphabetically first word"),
    ),
    "alphabetically-last": (
        max,
        ("the word that comes last in the alphabet", "the alphabetically last word"),
    ),
}


def _clear(words: Words, rng: random.Random) -> bool:
    """One longest and one shortest word, and seldom one that is extreme in two ways."""
    lengths = sorted(map(len, words))
    extremes = {function(words) for function, _ in _EXTREMES.values()}
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
    pools = ((_PLACES, places), (_ORDERS, places + extremes), (_EXTREMES, extremes))
    return [
        Draft(
            name,
            worded(_TEMPLATES, *phrases),
            worded(_EVAL_TEMPLATES, *phrases),
            {source: function(source.split(", ")) for source in pool},
        )
        for kinds, pool in pools
        for name, (function, phrases) in kinds.items()
    ]
