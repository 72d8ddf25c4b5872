"""reworded: a description said in other words."""

from __future__ import annotations

import random
import re
from collections.abc import Collection

from benchmarks.suite.lexicon.synonyms import CLOSINGS, OPENINGS, SYNONYMS

_OTHERS = {
    phrase.lower(): tuple(other for other in group if other != phrase)
    for group in SYNONYMS
    for phrase in group
}
_LONGEST_FIRST = sorted(_OTHERS, key=len, reverse=True)
_FOUND = re.compile(
    rf'"[^"]*"|(?<![\w-])(?:{"|".join(map(re.escape, _LONGEST_FIRST))})(?![\w-])', re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_FRAMED = 0.4


def reworded(text: str, seed: str, keep: Collection[str] = ()) -> str:
    """Exchange phrases for synonyms, and open or close the text with a phrase now and then.

    What stands in double quotes stays.

    Args:
        text: a description.
        seed: the same seed and text give the same words.
        keep: words in lower case that stay, such as the labels to answer with.
    """
    draw = random.Random(f"{seed}\n{text}")

    def exchanged(found: re.Match[str]) -> str:
        phrase = found[0]
        others = _OTHERS.get(phrase.lower(), ())
        kept = any(word in keep for word in _words(phrase))
        if not others or kept or draw.random() < 1 / 3:
            return phrase
        other = draw.choice(others)
        return other[0].upper() + other[1:] if phrase[0].isupper() else other

    return _framed(_FOUND.sub(exchanged, text), draw)


def words_of(texts: Collection[str]) -> frozenset[str]:
    """All words of the texts, in lower case."""
    return frozenset(word for text in texts for word in _words(text))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _framed(text: str, draw: random.Random) -> str:
    if draw.random() >= _FRAMED:
        return text
    if draw.random() < 0.5:
        return draw.choice(OPENINGS) + text
    return (text if text[-1] in ".?!" else f"{text}.") + draw.choice(CLOSINGS)
