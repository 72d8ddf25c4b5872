"""One task per pair of units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, fill_templates, map_inputs


@dataclass(frozen=True, slots=True)
class UnitPhrases:
    """Phrases for the templates, and whole descriptions, with fields for a row of units."""

    phrases: tuple[str, ...]
    descriptions: tuple[str, ...]
    eval_description: str


_FOLDER = Path(__file__).parent
_COLUMNS = ("name", "larger", "smaller", "factor", "unit")
UNITS = read_csv(_FOLDER / "units.csv", *_COLUMNS)
PHRASES = read_toml(_FOLDER / "phrases.toml", UnitPhrases)
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)


def tasks() -> list[Draft]:
    """Return one draft per pair of units, over the numbers 1 to 99."""
    return [_draft(dict(zip(_COLUMNS, row, strict=True))) for row in UNITS]


def _draft(row: dict[str, str]) -> Draft:
    factor, unit = int(row["factor"]), row["unit"]
    phrases = [phrase.format(**row) for phrase in PHRASES.phrases]
    descriptions = (text.format(**row) for text in PHRASES.descriptions)
    return Draft(
        row["name"],
        (*fill_templates(TEMPLATES.templates, *phrases), *descriptions),
        (
            *fill_templates(TEMPLATES.eval_templates, *reversed(phrases)),
            PHRASES.eval_description.format(**row),
        ),
        map_inputs(map(str, range(1, 100)), lambda number: f"{int(number) * factor} {unit}"),
    )
