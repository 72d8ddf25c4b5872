"""Categories of words, and noun phrases for one word of each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from benchmarks.suite.data import read_toml


@dataclass(frozen=True, slots=True)
class Category:
    """Noun phrases for one of its words, such as "a kind of bird", and the words."""

    phrases: tuple[str, ...]
    words: tuple[str, ...]


_FOLDER = Path(__file__).parent
CATEGORIES = read_toml(_FOLDER / "categories.toml", dict[str, Category])
"""37 categories; each has 18 to 22 words, which stand in no other."""
FURTHER_CATEGORIES = read_toml(_FOLDER / "further_categories.toml", dict[str, Category])
"""40 more, with words of their own."""
FURTHER_CLASHES = read_toml(
    _FOLDER / "category_clashes.toml", dict[str, tuple[tuple[str, ...], ...]], keys=["further"]
)["further"]
"""Groups of further categories of which no two are asked about together."""


def common_words() -> tuple[str, ...]:
    """Return all lower-case words of `CATEGORIES`, one of each category in turn."""
    columns = (category.words for category in CATEGORIES.values())
    rounds = chain.from_iterable(zip_longest(*columns, fillvalue=""))
    return tuple(word for word in rounds if word and word.islower())
