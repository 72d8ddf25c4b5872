"""Families of the built-in suite: one file each, with `tasks() -> list[Draft]`."""
