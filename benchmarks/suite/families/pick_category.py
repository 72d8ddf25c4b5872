"""Of four words, the one that belongs to the asked category; or its twin, or the others."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations

from benchmarks.suite.draft import Draft, worded
from benchmarks.suite.grids.dressed import Answers, dressed
from benchmarks.suite.lexicon import CATEGORIES, MEMBERS
from benchmarks.suite.lexicon.asking import drafts
from benchmarks.suite.lexicon.fields import without
from benchmarks.suite.lexicon.kinds import CLASHES, KINDS
from benchmarks.suite.lexicon.manners import ALONE
from benchmarks.suite.lexicon.realms import REALM_CLASHES, realms

Words = Mapping[str, Sequence[str]]

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


_SHEETS = {
    "capitals": """
{name}-in-capitals
= the listed word that is {0}, in capital letters | the one that is {1}, written in upper case
= the list's word for {2}, with all letters as capitals | the item that is {0}, set in big letters
> find the word that is {0} and write it in capital letters | turn the one that is {1} to upper case
> choose {2} and type it with the caps lock on
""",
    "without": """
{name}-left-out
= the list without {0} | the three words that are left without the one that is {1}
= all words except the one that is {2} | what remains of the list once the word for {0} is gone
> delete {0} from the list | leave out the word that is {1} and keep the other three
> throw {2} out and copy the rest
""",
    "both": """
{name}-twice
= both words that are {0} | the two of the list that are {1}, with a comma between
= the two words for {2}, separated by a comma | the pair of words of which each is {0}
> pick both words that are {0} | keep the two that are {1} and drop the other two
> find two times {2} and write down the pair
""",
}
"""What else a list can be asked for."""

_LISTED = ("a list of four words", "four words separated by commas")
_NAMES = tuple(MEMBERS)
_WAYS = without(ALONE, "capitals", "small")
_CAPITALS, _WITHOUT, _BOTH = _NAMES[::10], _NAMES[4::11], _NAMES[7::12]


def _list(
    first: str, words: Words, clashes: Sequence[set[str]], rng: random.Random
) -> dict[str, str]:
    """Four categories that are hard to confuse, each with a word of it."""
    chosen = [first]
    for category in rng.sample(list(words), len(words)):
        clash = any({category, other} <= group for group in clashes for other in chosen)
        if category not in chosen and not clash:
            chosen.append(category)
    picked = chosen[:4]
    rng.shuffle(picked)
    return {category: rng.choice(words[category]) for category in picked}


def lists(words: Words, clashes: Sequence[set[str]], seed: str) -> list[dict[str, str]]:
    """A pool of lists: category to word, in the order of the list."""
    rng = random.Random(seed)
    count = dict.fromkeys(words, 0)
    pool: list[dict[str, str]] = []
    while min(count.values()) < LISTS:
        made = _list(min(count, key=lambda category: count[category]), words, clashes, rng)
        pool.append(made)
        for category in made:
            count[category] += 1
    return pool


def _pairs(pool: Sequence[Mapping[str, str]], category: str) -> dict[str, str]:
    return {", ".join(made.values()): made[category] for made in pool if category in made}


def _plain(name: str, phrases: Sequence[str], pairs: Mapping[str, str]) -> Draft:
    described = worded(_TEMPLATES, *phrases), worded(_EVAL_TEMPLATES, *phrases)
    return Draft(name.replace(" ", "-"), *described, pairs)


def _varied(sheet: str, category: str, pairs: Mapping[str, str]) -> list[Draft]:
    block = _SHEETS[sheet].format(*MEMBERS[category], name=category.replace(" ", "-"))
    return drafts(block, _LISTED, {block.split()[0]: pairs})


def _called(pool: Sequence[Mapping[str, str]], members: Mapping[str, Sequence[str]]) -> Answers:
    """The word of each category, and how to ask for it."""
    asked = ("the listed word that is {}", "whichever of the words is {}", "the word for {}")
    return {
        name.replace(" ", "-"): (
            [ask.format(phrase) for ask, phrase in zip(asked, phrases, strict=True)],
            _pairs(pool, name),
        )
        for name, phrases in members.items()
    }


def _doubles() -> dict[str, dict[str, str]]:
    """Lists with two words of one category and two of another, by the category that is asked."""
    rng = random.Random("pick_category both")
    made: dict[str, dict[str, str]] = {category: {} for category in _BOTH}
    for pair in combinations(_BOTH, 2):
        for _ in range(LISTS):
            homes = {word: name for name in pair for word in rng.sample(CATEGORIES[name], 2)}
            words = rng.sample(list(homes), 4)
            for name in pair:
                made[name][", ".join(words)] = ", ".join(w for w in words if homes[w] == name)
    return made


def tasks() -> list[Draft]:
    """One task per category, kind and realm, each over one pool; some asked for in other ways."""
    pool = lists(CATEGORIES, _CLASHES, "pick_category")
    made = [_plain(name, phrases, _pairs(pool, name)) for name, phrases in MEMBERS.items()]
    for described, clashes in ((KINDS, CLASHES), (realms(), REALM_CLASHES)):
        words = {name: kind.words for name, kind in described.items()}
        other = lists(words, clashes, f"pick_category {next(iter(words))}")
        made += [
            _plain(name, kind.phrases, _pairs(other, name)) for name, kind in described.items()
        ]
        answers = _called(other, {name: kind.phrases for name, kind in described.items()})
        made += dressed(answers, _WAYS, _LISTED, each=1)
    made += dressed(_called(pool, MEMBERS), _WAYS, _LISTED, each=1)
    for category in _CAPITALS:
        told = _pairs(pool, category)
        made += _varied("capitals", category, {text: word.upper() for text, word in told.items()})
    for category in _WITHOUT:
        told = _pairs(pool, category)
        made += _varied("without", category, {text: _left(text, told[text]) for text in told})
    for category, told in _doubles().items():
        made += _varied("both", category, told)
    return made


def _left(text: str, word: str) -> str:
    return ", ".join(other for other in text.split(", ") if other != word)
