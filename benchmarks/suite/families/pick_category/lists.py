"""Lists of four words, each of another category."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

Words = Mapping[str, Sequence[str]]
Clashes = Sequence[Collection[str]]
WordList = dict[str, str]
"""Category to word, in the order of the list."""

LISTS_PER_CATEGORY = 110
"""At least."""


def list_pool(words: Words, clashes: Clashes, seed: str) -> list[WordList]:
    """Draw lists until each category is in enough of them."""
    rng = random.Random(seed)
    count = dict.fromkeys(words, 0)
    pool: list[WordList] = []
    while min(count.values()) < LISTS_PER_CATEGORY:
        rarest = min(count, key=lambda category: count[category])
        pool.append(_list_with(rarest, words, clashes, rng))
        for category in pool[-1]:
            count[category] += 1
    return pool


def _list_with(first: str, words: Words, clashes: Clashes, rng: random.Random) -> WordList:
    chosen = [first]
    for category in rng.sample(list(words), len(words)):
        clash = any(category in group and other in group for group in clashes for other in chosen)
        if category not in chosen and not clash:
            chosen.append(category)
    chosen = chosen[:4]
    rng.shuffle(chosen)
    return {category: rng.choice(words[category]) for category in chosen}


def pairs_of(pool: Sequence[WordList], category: str) -> dict[str, str]:
    """Return each list that has a word of the category, and that word."""
    return {", ".join(own.values()): own[category] for own in pool if category in own}


def lists_of_two_categories(words: Words) -> dict[str, dict[str, str]]:
    """Return, by category, lists with two words of it and two of another, and those two."""
    rng = random.Random("pick_category both")
    pairs: dict[str, dict[str, str]] = {category: {} for category in words}
    for pair in combinations(words, 2):
        for _ in range(LISTS_PER_CATEGORY):
            category_of = {word: name for name in pair for word in rng.sample(words[name], 2)}
            drawn = rng.sample(list(category_of), 4)
            for name in pair:
                answer = ", ".join(word for word in drawn if category_of[word] == name)
                pairs[name][", ".join(drawn)] = answer
    return pairs
