"""AdapterId: what the bank and the store call an adapter."""

AdapterId = int | str
"""A name where one was given, else a number that is never used again."""
