"""A label for a sentence, one of two: sentiment, tense, question, politeness, and a dozen more."""
