"""Reword descriptions: exchange phrases for synonyms, add an opening or a closing."""

from __future__ import annotations

import random
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml


@dataclass(frozen=True, slots=True)
class Rewordings:
    """Groups of phrases that may stand for each other, and sentences to add."""

    openings: tuple[str, ...]
    closings: tuple[str, ...]
    synonyms: tuple[tuple[str, ...], ...]


REWORDINGS = read_toml(Path(__file__).with_name("shared") / "synonyms.toml", Rewordings)
_OTHERS = {
    phrase.lower(): tuple(other for other in group if other != phrase)
    for group in REWORDINGS.synonyms
    for phrase in group
}
_LONGEST_FIRST = sorted(_OTHERS, key=len, reverse=True)
_PHRASE = re.compile(
    rf'"[^"]*"|(?<![\w-])(?:{"|".join(map(re.escape, _LONGEST_FIRST))})(?![\w-])', re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_ADDITION_SHARE = 0.4


def reword(text: str, seed: str, keep: Collection[str] = ()) -> str:
    """Return the text with synonyms, and now and then with an opening or a closing sentence.

    What stands in double quotes stays.

    Args:
        text: a description.
        seed: the same seed and text give the same words.
        keep: words in lower case that stay, such as the labels to answer with.
    """
    draw = random.Random(f"{seed}\n{text}")

    def exchange(match: re.Match[str]) -> str:
        phrase = match[0]
        others = _OTHERS.get(phrase.lower(), ())
        stays = any(word in keep for word in _words(phrase))
        if not others or stays or draw.random() < 1 / 3:
            return phrase
        other = draw.choice(others)
        return other[0].upper() + other[1:] if phrase[0].isupper() else other

    return _add_sentence(_PHRASE.sub(exchange, text), draw)


def words_of(texts: Collection[str]) -> frozenset[str]:
    """Return all words of the texts, in lower case."""
    return frozenset(word for text in texts for word in _words(text))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _add_sentence(text: str, draw: random.Random) -> str:
    if draw.random() >= _ADDITION_SHARE:
        return text
    if draw.random() < 0.5:
        return draw.choice(REWORDINGS.openings) + text
    return (text if text[-1] in ".?!" else f"{text}.") + draw.choice(REWORDINGS.closings)
