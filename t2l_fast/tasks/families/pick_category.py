"""Of four words, the one that belongs to the asked category."""

from __future__ import annotations

import random

from t2l_fast.tasks.draft import Draft, worded
from t2l_fast.tasks.lexicon import CATEGORIES, MEMBERS

LISTS = 110
"""Lists per category at least."""

_CLASHES = (
    {"animal", "bird", "fish", "insect", "food"},
    {"fruit", "vegetable", "food", "drink", "tree", "flower"},
    {"colour", "fruit", "flower", "tree", "gemstone", "metal"},
    {"material", "metal", "gemstone", "tree", "clothing"},
    {"tool", "kitchen item", "material"},
    {"time word", "calendar name"},
    {"weather", "space thing", "toy"},
    {"toy", "sport", "furniture", "vehicle"},
    {"country", "language"},
)

_TEMPLATES = (
    "Pick the word that is {}.",
    "Which of the four words is {}?",
    "You will be given four words separated by commas. Return the one that is {}.",
    "From the list, choose {}.",
    "find {} in the list",
    "Only one word in the list names {}; write that word.",
    "Please tell me which word in this list is {}.",
    "Output {} from the comma-separated words and ignore the other three.",
    "The input lists several things. Exactly one of them is {}. Answer with that one.",
    "Category selection: the answer is the listed word that means {}.",
    "Read the words and copy out {}.",
    "I have a short list of words and I need {} out of it.",
    "Say which item of the list is {}.",
    "Select the item that can be described as {}.",
    "Among the listed words there is {}. What is it?",
    "Given a list of unrelated words, extract {}.",
    "Just one thing please: {} from these words.",
    "Your job is to spot {} among four words.",
)

_EVAL_TEMPLATES = (
    "Look through the items and give back the single one that is {}.",
    "Could you point out {} in this enumeration?",
    "Four terms are listed; respond with whichever term is {}.",
    "task: filter a list, keep {}",
    "Someone hands you a mixed bag of words. Hand back {}.",
)


def _list(first: str, rng: random.Random) -> dict[str, str]:
    """Four categories that are hard to confuse, each with a word of it."""
    chosen = [first]
    for category in rng.sample(list(CATEGORIES), len(CATEGORIES)):
        clash = any({category, other} <= group for group in _CLASHES for other in chosen)
        if category not in chosen and not clash:
            chosen.append(category)
    picked = chosen[:4]
    rng.shuffle(picked)
    return {category: rng.choice(CATEGORIES[category]) for category in picked}


def lists() -> list[dict[str, str]]:
    """The pool of all tasks: category to word, in the order of the list."""
    rng = random.Random("pick_category")
    count = dict.fromkeys(CATEGORIES, 0)
    pool: list[dict[str, str]] = []
    while min(count.values()) < LISTS:
        made = _list(min(count, key=lambda category: count[category]), rng)
        pool.append(made)
        for category in made:
            count[category] += 1
    return pool


def tasks() -> list[Draft]:
    """One task per category, all over one pool of lists."""
    pool = lists()
    return [
        Draft(
            category.replace(" ", "-"),
            worded(_TEMPLATES, *phrases),
            worded(_EVAL_TEMPLATES, *phrases),
            {", ".join(made.values()): made[category] for made in pool if category in made},
        )
        for category, phrases in MEMBERS.items()
    ]
