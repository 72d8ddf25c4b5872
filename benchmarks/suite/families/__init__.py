"""Families of the built-in suite: a package each, whose `tasks.py` has `tasks() -> list[Draft]`."""
