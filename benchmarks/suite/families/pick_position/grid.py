"""A place or an extreme and how it is written; an order and what stands between its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import NamedValue, Names, describe, fill_fields
from benchmarks.suite.draft import Draft
from benchmarks.suite.families.pick_position.questions import EXTREMES, PLACES
from benchmarks.suite.shared.answer_formats import (
    ALONE,
    ANSWER_PHRASES,
    Answer,
    formatted_drafts,
    without,
)


@dataclass(frozen=True, slots=True)
class Order:
    """Which words are asked for, in this order, and what they are called."""

    indices: tuple[int, ...]
    names: tuple[str, ...]
    eval_name: str


INPUT_NOUNS = ("a list of four words", "four words separated by commas")
FORMATS = without(ALONE, "capitals", "small", "parentheses", "quotes")
"""Those that other tasks of the family do not have already."""
_FOLDER = Path(__file__).parent
ANSWER_NAMES = read_toml(_FOLDER / "answer_names.toml", dict[str, Names], keys=(*PLACES, *EXTREMES))
ORDERS = read_toml(_FOLDER / "grid_orders.toml", dict[str, Order])
SEPARATORS = read_toml(_FOLDER / "grid_separators.toml", dict[str, NamedValue])


def grid_drafts(places: Sequence[str], extremes: Sequence[str]) -> Iterator[Draft]:
    """Yield the grid over the family's two pools of lists."""
    answers = {
        name: Answer(
            ANSWER_NAMES[name].names,
            ANSWER_NAMES[name].eval_name,
            {source: question.answer(source.split(", ")) for source in pool},
        )
        for questions, pool in ((PLACES, places), (EXTREMES, extremes))
        for name, question in questions.items()
    }
    yield from formatted_drafts(answers, FORMATS, INPUT_NOUNS, formats_each=6)
    for i, (order, own) in enumerate(ORDERS.items()):
        for j, (name, separator) in enumerate(SEPARATORS.items()):
            if (i + j) % 3:
                phrases = fill_fields(ANSWER_PHRASES["formatted"], what=own, how=separator)
                pairs = {
                    source: separator.value.join(source.split(", ")[k] for k in own.indices)
                    for source in (*places, *extremes)
                }
                yield describe(f"{order}-{name}", phrases, INPUT_NOUNS, pairs)
