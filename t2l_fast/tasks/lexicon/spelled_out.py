"""Words spelled out letter by letter: a separator, and what else is done to the word."""

from __future__ import annotations

from t2l_fast.tasks.lexicon.respelled import Spelling

_GAPS = {
    "dots": (".", "dots", "a dot"),
    "slashes": ("/", "slashes", "a slash"),
    "pluses": ("+", "plus signs", "a plus"),
    "spaces": (" ", "spaces", "a blank"),
    "hyphens": ("-", "hyphens", "a dash"),
}
_SPREAD = {
    "spelled": ("dots slashes pluses", str, "", ""),
    "capitals": (
        "spaces hyphens dots",
        str.upper,
        ", all in capital letters",
        " in upper case",
    ),
    "backwards": ("spaces hyphens", lambda w: w[::-1], ", backwards", " from right to left"),
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
