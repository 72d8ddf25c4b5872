"""Words that the families share: categories, adjectives, names."""

from benchmarks.suite.lexicon.adjectives import ADJECTIVES
from benchmarks.suite.lexicon.categories import CATEGORIES, common_words
from benchmarks.suite.lexicon.names import NAMES
from benchmarks.suite.lexicon.phrases import MEMBERS

__all__ = ["ADJECTIVES", "CATEGORIES", "MEMBERS", "NAMES", "common_words"]
