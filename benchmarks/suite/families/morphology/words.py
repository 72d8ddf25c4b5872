"""Verbs, nouns and adjectives to be inflected, and the derivations that no rule gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml


@dataclass(frozen=True, slots=True)
class Words:
    """Words in their base form; the exceptions are adjectives without such a derivation."""

    regular_verbs: tuple[str, ...]
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...]
    adjectives_without_ly: tuple[str, ...]
    adjectives_without_ness: tuple[str, ...]
    words_with_un: tuple[str, ...]


_FOLDER = Path(__file__).parent
_IRREGULAR = read_csv(
    _FOLDER / "irregular_verbs.csv", "verb", "past", "participle", optional=["participle"]
)
WORDS = read_toml(_FOLDER / "words.toml", Words)
AGENTS = {verb: agent for verb, agent in read_csv(_FOLDER / "agents.csv", "verb", "agent")}
"""Verb to who does it."""
IRREGULAR_PASTS = {verb: past for verb, past, _ in _IRREGULAR}
PARTICIPLES = {verb: participle for verb, _, participle in _IRREGULAR if participle}
"""Verb to its past participle, unless that is the past."""
VERBS = (*WORDS.regular_verbs, *IRREGULAR_PASTS)
