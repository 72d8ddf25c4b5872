"""Words spelled out letter by letter: a separator, and what else is done to the word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml


@dataclass(frozen=True, slots=True)
class SpelledOut:
    """Names of separators, and what two phrases add to say what else is done to the word."""

    separators: tuple[str, ...]
    ending: str = ""
    inner: str = ""


@dataclass(frozen=True, slots=True)
class Spelling:
    """What becomes of a word, and phrases for the templates."""

    function: Callable[[str], str]
    phrases: tuple[str, str]
    eval_phrase: str


_FOLDER = Path(__file__).parent
FUNCTIONS: dict[str, Callable[[str], str]] = {
    "spelled": str,
    "capitals": str.upper,
    "backwards": lambda w: w[::-1],
    "capitalised": str.capitalize,
    "without-last": lambda w: w[:-1],
}
SPELLED_OUT = read_toml(_FOLDER / "spelled_out.toml", dict[str, SpelledOut], keys=FUNCTIONS)
SEPARATORS = {
    name: (separator, plural, singular)
    for name, separator, plural, singular in read_csv(
        _FOLDER / "separators.csv", "name", "separator", "plural", "singular"
    )
}


def spelled_out() -> dict[str, Spelling]:
    """Return the name of each task with its spelling."""
    spellings = {}
    for kind, own in SPELLED_OUT.items():
        for name in own.separators:
            separator, plural, singular = SEPARATORS[name]
            phrases = (
                f"the word spelled out with {plural} between its letters{own.ending}",
                f"all letters of the word one by one{own.inner}, separated by {plural}",
            )
            eval_phrase = (
                f"the letters of the word{own.inner}, with {singular} after each but the last"
            )
            function = _join(separator, FUNCTIONS[kind])
            spellings[f"{kind}-{name}"] = Spelling(function, phrases, eval_phrase)
    return spellings


def _join(separator: str, change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda word: separator.join(change(word))
