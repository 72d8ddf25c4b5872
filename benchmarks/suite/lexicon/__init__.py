"""Words that the families share: categories and names."""

from benchmarks.suite.lexicon.categories import CATEGORIES, common_words
from benchmarks.suite.lexicon.names import NAMES
from benchmarks.suite.lexicon.phrases import MEMBERS

__all__ = ["CATEGORIES", "MEMBERS", "NAMES", "common_words"]
