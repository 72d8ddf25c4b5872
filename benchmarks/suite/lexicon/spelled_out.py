"""Words spelled out letter by letter: a separator, and what else is done to the word."""

from __future__ import annotations

from benchmarks.suite.lexicon.respelled import Spelling

_GAPS = {
    "dots": (".", "dots", "a dot"),
    "slashes": ("/", "slashes", "a slash"),
    "pluses": ("+", "plus signs", "a plus"),
    "spaces": (" ", "spaces", "a blank"),
    "hyphens": ("-", "hyphens", "a dash"),
    "underscores": ("_", "underscores", "an underscore"),
    "colons": (":", "colons", "a colon"),
    "stars": ("*", "asterisks", "a star"),
    "bars": ("|", "vertical bars", "a pipe"),
    "equals": ("=", "equals signs", "the sign ="),
    "arrows": ("->", "arrows (->)", "an arrow"),
    "commas": (", ", "commas", "a comma"),
}
_SPREAD = {
    "spelled": ("dots slashes pluses underscores colons stars bars equals arrows", str, "", ""),
    "capitals": (
        "spaces hyphens dots slashes commas underscores colons stars",
        str.upper,
        ", all in capital letters",
        " in upper case",
    ),
    "backwards": (
        "spaces hyphens dots slashes commas pluses",
        lambda w: w[::-1],
        ", backwards",
        " from right to left",
    ),
    "capitalised": (
        "spaces hyphens dots slashes commas",
        str.capitalize,
        ", the first one as a capital",
        " with a capital initial",
    ),
    "without-last": (
        "spaces hyphens dots commas",
        lambda w: w[:-1],
        ", the last letter left out",
        " without its last letter",
    ),
}
"""Separators, what else is done to the word, and two ways to say that."""


def spelled_out() -> dict[str, Spelling]:
    """All of them by name."""
    made = {}
    for name, (gaps, change, end, tail) in _SPREAD.items():
        for gap in gaps.split():
            mark, plural, single = _GAPS[gap]
            phrases = (
                f"the word spelled out with {plural} between its letters{end}",
                f"all letters of the word one by one{tail}, separated by {plural}",
            )
            unseen = f"the letters of the word{tail}, with {single} after each but the last"
            made[f"{name}-{gap}"] = Spelling(
                lambda w, mark=mark, change=change: mark.join(change(w)), phrases, unseen
            )
    return made
