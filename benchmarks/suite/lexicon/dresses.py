"""What letters of a word may be dressed with."""

from __future__ import annotations

from collections.abc import Callable

# name: what becomes of the letters, what that is called; the last for evaluation
DRESSES: dict[str, tuple[Callable[[str], str], tuple[str, ...]]] = {
    "upper": (
        str.upper,
        (
            "in upper case",
            "capitalised",
            "all in capitals",
            "with no small letter",
            "in upper-case capitals",
        ),
    ),
    "dot": (
        lambda s: f"{s}.",
        (
            "with a full stop after it",
            "with a dot behind",
            "followed by a period",
            "ending in a .",
            "with a dot, a full stop",
        ),
    ),
    "twice": (
        lambda s: s + s,
        (
            "written twice in a row",
            "doubled",
            "two times over",
            "and then once more",
            "doubled, twice in a row",
        ),
    ),
    "hyphen": (
        lambda s: f"{s}-",
        (
            "with a hyphen after it",
            "with a dash behind",
            "followed by a -",
            "ending in a dash sign",
            "with a hyphen, a dash",
        ),
    ),
    "quotes": (
        lambda s: f'"{s}"',
        (
            "in double quotes",
            "inside quotation marks",
            'between two " signs',
            "quoted",
            "in quotes, double ones",
        ),
    ),
    "brackets": (
        lambda s: f"({s})",
        (
            "in round brackets",
            "inside parentheses",
            "between ( and )",
            "parenthesised",
            "in brackets, round ones",
        ),
    ),
    "thrice": (
        lambda s: 3 * s,
        (
            "three times in a row",
            "tripled",
            "repeated to stand three times",
            "and then twice more",
            "thrice, in a row",
        ),
    ),
    "stars": (
        lambda s: f"*{s}*",
        (
            "between asterisks",
            "with a star on both sides",
            "after a * and before another *",
            "starred at either end",
            "in stars, asterisks on both sides",
        ),
    ),
}
