"""The tasks that stand alone: words, other bases, units and formats."""

from __future__ import annotations

from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, describe_each
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.numerals.grid import INPUT_NOUNS, grid_drafts
from benchmarks.suite.families.numerals.writers import writers

NUMBERS = tuple(str(number) for number in range(1, 200))


def tasks() -> list[Draft]:
    """Return the drafts of the family, the grid's last."""
    functions = writers()
    path = Path(__file__).with_name("phrases.toml")
    phrases = read_toml(path, dict[str, Phrases], keys=functions)
    pairs = {
        name: map_inputs(NUMBERS, lambda text, function=function: function(int(text)))
        for name, function in functions.items()
    }
    return [*describe_each(phrases, INPUT_NOUNS, pairs), *grid_drafts(NUMBERS, functions)]
