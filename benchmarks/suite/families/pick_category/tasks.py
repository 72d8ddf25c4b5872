"""One task per category and per broad category, over one pool each; some in other forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, Templates, describe
from benchmarks.suite.draft import Draft
from benchmarks.suite.families.pick_category.lists import (
    Clashes,
    WordList,
    list_pool,
    lists_of_two_categories,
    pairs_of,
)
from benchmarks.suite.shared.answer_formats import ALONE, Answer, formatted_drafts, without
from benchmarks.suite.shared.categories import (
    CATEGORIES,
    FURTHER_CATEGORIES,
    FURTHER_CLASHES,
    Category,
)

INPUT_NOUNS = ("a list of four words", "four words separated by commas")


@dataclass(frozen=True, slots=True)
class BroadCategory:
    """What several categories have in common: phrases for one of their words."""

    phrases: tuple[str, ...]
    categories: tuple[str, ...]


_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
VARIANT_PHRASES = read_toml(
    _FOLDER / "variant_phrases.toml",
    dict[str, Phrases],
    keys=("in-capitals", "left-out", "twice"),
)
_CLASHES = read_toml(
    _FOLDER / "clashes.toml",
    dict[str, tuple[tuple[str, ...], ...]],
    keys=("categories", "broad_categories"),
)
BROAD_CLASHES = _CLASHES["broad_categories"]
_FORMATS = without(ALONE, "capitals", "small")
_NAMES = tuple(CATEGORIES)
_IN_CAPITALS, _LEFT_OUT, _TWICE = _NAMES[::10], _NAMES[4::11], _NAMES[7::12]


def broad_categories() -> dict[str, Category]:
    """Return each broad category with the words of all its categories."""
    known = CATEGORIES | FURTHER_CATEGORIES
    broad = read_toml(_FOLDER / "broad_categories.toml", dict[str, BroadCategory])
    return {
        name: Category(
            own.phrases, tuple(chain.from_iterable(known[part].words for part in own.categories))
        )
        for name, own in broad.items()
    }


def tasks() -> list[Draft]:
    """Return the drafts of all categories, plain and in other formats, and the variants."""
    pool = _pool(CATEGORIES, _CLASHES["categories"], "pick_category")
    drafts = _plain(pool, CATEGORIES)
    broad = broad_categories()
    for categories, clashes in ((FURTHER_CATEGORIES, FURTHER_CLASHES), (broad, BROAD_CLASHES)):
        other_pool = _pool(categories, clashes, f"pick_category {next(iter(categories))}")
        drafts += _plain(other_pool, categories)
        drafts += _formatted(other_pool, categories)
    drafts += _formatted(pool, CATEGORIES)
    for category in _IN_CAPITALS:
        pairs = {text: word.upper() for text, word in pairs_of(pool, category).items()}
        drafts.append(_variant("in-capitals", category, pairs))
    for category in _LEFT_OUT:
        pairs = {text: _others(text, word) for text, word in pairs_of(pool, category).items()}
        drafts.append(_variant("left-out", category, pairs))
    words = {category: CATEGORIES[category].words for category in _TWICE}
    for category, pairs in lists_of_two_categories(words).items():
        drafts.append(_variant("twice", category, pairs))
    return drafts


def _pool(categories: Mapping[str, Category], clashes: Clashes, seed: str) -> list[WordList]:
    return list_pool({name: own.words for name, own in categories.items()}, clashes, seed)


def _plain(pool: Sequence[WordList], categories: Mapping[str, Category]) -> list[Draft]:
    return [
        TEMPLATES.draft(_slug(name), own.phrases, own.phrases, pairs_of(pool, name))
        for name, own in categories.items()
    ]


def _formatted(pool: Sequence[WordList], categories: Mapping[str, Category]) -> list[Draft]:
    """Return the word of each category in one other format."""
    answers = {}
    for name, own in categories.items():
        first, second, last = own.phrases
        names = (f"the listed word that is {first}", f"whichever of the words is {second}")
        answers[_slug(name)] = Answer(names, f"the word for {last}", pairs_of(pool, name))
    return list(formatted_drafts(answers, _FORMATS, INPUT_NOUNS, formats_each=1))


def _variant(variant: str, category: str, pairs: Mapping[str, str]) -> Draft:
    phrases = VARIANT_PHRASES[variant].format(*CATEGORIES[category].phrases)
    return describe(f"{_slug(category)}-{variant}", phrases, INPUT_NOUNS, pairs)


def _others(text: str, word: str) -> str:
    return ", ".join(other for other in text.split(", ") if other != word)


def _slug(category: str) -> str:
    return category.replace(" ", "-")
