"""Words that the families share: categories."""

from benchmarks.suite.lexicon.categories import CATEGORIES, common_words
from benchmarks.suite.lexicon.phrases import MEMBERS

__all__ = ["CATEGORIES", "MEMBERS", "common_words"]
