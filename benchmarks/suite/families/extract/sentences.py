"""Sentences of one grammar that report who did what to how many things, where and when."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml

Fields = Mapping[str, str]
"""What stands in the fields of one sentence."""
SENTENCES_PER_POOL = 240


@dataclass(frozen=True, slots=True)
class SentenceParts:
    """Patterns, the words of each field, and the number words from two."""

    patterns: tuple[str, ...]
    fields: dict[str, tuple[str, ...]]
    number_words: tuple[str, ...]


PARTS = read_toml(Path(__file__).with_name("sentence_parts.toml"), SentenceParts)


def sentence_pool(seed: str) -> dict[str, Fields]:
    """Draw sentences, each with what stands in its fields."""
    rng = random.Random(seed)
    pool: dict[str, Fields] = {}
    while len(pool) < SENTENCES_PER_POOL:
        fields = {field: rng.choice(words) for field, words in PARTS.fields.items()}
        pool[rng.choice(PARTS.patterns).format(**fields)] = fields
    return pool
