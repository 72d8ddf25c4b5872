"""Words that the families share: categories, adjectives, names."""

from t2l_fast.tasks.lexicon.adjectives import ADJECTIVES
from t2l_fast.tasks.lexicon.categories import CATEGORIES, common_words
from t2l_fast.tasks.lexicon.names import NAMES
from t2l_fast.tasks.lexicon.phrases import MEMBERS

__all__ = ["ADJECTIVES", "CATEGORIES", "MEMBERS", "NAMES", "common_words"]
