"""Step by style of a name; step by letter of a pair; terms of a series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import HasNames, Names, Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.sequence import terms
from benchmarks.suite.families.sequence.names import NAMES, NameSequence

STYLES: dict[str, Callable[[str], str]] = {
    "full": str,
    "short": lambda name: name[:3],
    "capitals": str.upper,
    "lower": str.lower,
    "code": lambda name: name[:3].upper(),
}
LETTER_NOUNS = ("a pair of letters", "a couple of letters")
LETTER_EXAMPLE = "k p"
LETTER_STEPS = {
    "first": (-5, -4, -3, 1, 2, 3, 4, 5),
    "second": (-5, -4, -3, -2, -1, 3, 4, 5),
}
"""Steps that the family has no task for besides the grid's."""
CAPITAL_STEPS = (-4, -3, -2, -1, 1, 2, 3, 4)
DUPLICATES = ("day-same-short",)
"""A cell that the family has under another name."""


@dataclass(frozen=True, slots=True)
class Step(Names):
    """How far to go, and what that is called, with the fields {unit} and {short}."""

    step: int

    def of(self, unit: str, short: str) -> Names:
        """Return its names for a unit, such as weekday, and the short word for that, such as day.

        An input of two letters has the letter as its unit and a place as the short word.
        """
        names = tuple(name.format(unit=unit, short=short) for name in self.names)
        return Names(names, self.eval_name.format(unit=unit, short=short))


_FOLDER = Path(__file__).parent
PHRASES = read_toml(
    _FOLDER / "grid_phrases.toml", dict[str, Phrases], keys=("named", "letter", "capital", "term")
)
STEPS = read_toml(_FOLDER / "steps.toml", dict[str, Step])
STEP_NAMES = {step.step: name for name, step in STEPS.items()}
STYLE_NAMES = read_toml(_FOLDER / "styles.toml", dict[str, Names], keys=STYLES)

Cell = tuple[str, Callable[[str], "str | None"], Phrases, dict[str, "str | HasNames"]]
"""Name, what becomes of an input, phrases and what fills their fields."""


def grid_drafts(letter_pairs: Sequence[str]) -> list[Draft]:
    """Return one draft per cell."""
    drafts = _drafts(_letters(), LETTER_NOUNS, letter_pairs, LETTER_EXAMPLE)
    for unit, sequence in NAMES.items():
        cells = _names(unit, sequence)
        drafts += _drafts(cells, sequence.input_nouns, sequence.texts(), sequence.example)
    return drafts + _drafts(_terms(), terms.INPUT_NOUNS, terms.number_series(), terms.EXAMPLE)


def _drafts(
    cells: Iterator[Cell], input_nouns: Sequence[str], pool: Sequence[str], example: str
) -> list[Draft]:
    return [
        describe(
            name,
            fill_fields(phrases, f"{example} → {rule(example)}", **fields),
            input_nouns,
            map_inputs(pool, rule),
        )
        for name, rule, phrases, fields in cells
        if name not in DUPLICATES
    ]


def _names(unit: str, sequence: NameSequence) -> Iterator[Cell]:
    short = unit.removeprefix("week")
    for style, steps in sequence.steps.items():
        suffix = "" if style == "full" else f"-{style}"
        for step in steps:
            name = STEP_NAMES[step]
            fields: dict[str, str | HasNames] = {
                "unit": unit,
                "step": STEPS[name].of(unit, short),
                "style": STYLE_NAMES[style],
            }
            rule = partial(_neighbour, sequence, step, STYLES[style])
            yield f"{short}-{name}{suffix}", rule, PHRASES["named"], fields


def _neighbour(
    sequence: NameSequence, step: int, write: Callable[[str], str], text: str
) -> str | None:
    name = sequence.neighbour(text, step)
    return None if name is None else write(name)


def _letters() -> Iterator[Cell]:
    for i, (place, steps) in enumerate(LETTER_STEPS.items()):
        for kind, own in (("letter", steps), ("capital", CAPITAL_STEPS)):
            for step in own:
                name = STEP_NAMES[step]
                fields: dict[str, str | HasNames] = {
                    "step": STEPS[name].of("letter", "place"),
                    "place": place,
                }
                write = str.upper if kind == "capital" else str
                suffix = "-capital" if kind == "capital" else ""
                rule = partial(_letter, -i, step, write)
                yield f"letter-{name}-{place}{suffix}", rule, PHRASES[kind], fields


def _letter(index: int, step: int, write: Callable[[str], str], text: str) -> str | None:
    """Return None outside the alphabet."""
    letter = chr(ord(text[index]) + step)
    return write(letter) if letter.isalpha() else None


def _terms() -> Iterator[Cell]:
    for name, names in terms.TERM_NAMES.items():
        yield f"series-{name}", partial(terms.term, name), PHRASES["term"], {"term": names}
