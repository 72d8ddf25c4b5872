"""Single fields, pairs and triples of fields, each written in several ways, over one grammar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Names, Templates
from benchmarks.suite.draft import Draft
from benchmarks.suite.families.extract.sentences import PARTS, Fields, sentence_pool
from benchmarks.suite.families.extract.single import FUNCTIONS
from benchmarks.suite.shared.answer_formats import (
    ALONE,
    Answer,
    AnswerFormat,
    formatted_drafts,
    without,
)

Pool = Mapping[str, Fields]


@dataclass(frozen=True)
class FieldFormat(AnswerFormat):
    """A way to write one field, and the fields that are written so."""

    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairFormat:
    """A way to join two fields, said after both, between both ({a}, {b}), and for evaluation."""

    pattern: str
    how: str
    between: str
    eval_how: str


@dataclass(frozen=True, slots=True)
class RowFormat:
    """A way to write three fields, and what it is called."""

    pattern: str
    names: tuple[str, str]
    eval_name: str


@dataclass(frozen=True, slots=True)
class Row:
    """Three fields that are asked for together, and the name of their format."""

    fields: tuple[str, str, str]
    format: str


_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
SINGLE_PHRASES = read_toml(
    _FOLDER / "single_phrases.toml", dict[str, tuple[str, ...]], keys=FUNCTIONS
)
FIELDS = read_toml(_FOLDER / "fields.toml", dict[str, Names], keys=PARTS.fields)
FIELD_FORMATS = read_toml(_FOLDER / "field_formats.toml", dict[str, FieldFormat])
_PAIR_FORMATS = read_toml(
    _FOLDER / "pair_formats.toml", dict[str, dict[str, PairFormat]], keys=("first", "further")
)
PAIR_FORMATS = _PAIR_FORMATS["first"]
ALL_PAIR_FORMATS = PAIR_FORMATS | _PAIR_FORMATS["further"]
ROW_FORMATS = read_toml(_FOLDER / "row_formats.toml", dict[str, RowFormat])
ROWS = read_toml(_FOLDER / "rows.toml", dict[str, tuple[Row, ...]], keys=["rows"])["rows"]
_ANSWER_FORMATS = without(ALONE, "capitals", "small", "parentheses", "quotes")
_SAME_AS_SINGLE = {
    ("name", "city", "comma"),
    ("city", "day", "comma"),
    ("day", "name", "colon"),
    ("thing", "number", "colon"),
}
"""Pairs and formats that tasks with a function of their own have already."""


def tasks() -> list[Draft]:
    """Return the drafts of single fields, pairs and rows, and of fields in further formats."""
    pool = sentence_pool("extract")
    singles = [
        TEMPLATES.draft(
            name, phrases, phrases, {text: FUNCTIONS[name](fields) for text, fields in pool.items()}
        )
        for name, phrases in SINGLE_PHRASES.items()
    ]
    pool |= sentence_pool("extract more")
    answers = {
        field: Answer(
            names.names, names.eval_name, {text: fields[field] for text, fields in pool.items()}
        )
        for field, names in FIELDS.items()
    }
    nouns = ("a sentence", "a short news item")
    further = formatted_drafts(answers, _ANSWER_FORMATS, nouns, formats_each=6)
    return [*singles, *_formatted_fields(pool), *_pairs(pool), *_rows(pool), *further]


def _formatted_fields(pool: Pool) -> Iterator[Draft]:
    """Yield one field, written in another way."""
    for name, own in FIELD_FORMATS.items():
        for field in own.fields:
            how = [phrase.format("", field) for phrase in (*own.names, own.eval_name)]
            phrases = [f"{what} {how[i % 2]}" for i, what in enumerate(FIELDS[field].names)]
            eval_phrases = [f"{FIELDS[field].eval_name}, {how[2]}"]
            pairs = {text: own.write(fields[field], field) for text, fields in pool.items()}
            yield TEMPLATES.draft(f"{field}-{name}", phrases, eval_phrases, pairs)


def _pairs(pool: Pool) -> Iterator[Draft]:
    """Yield every ordered pair of fields in three of the formats, some in capital letters."""
    order, first_formats = list(FIELDS), list(PAIR_FORMATS)
    for i, (a, b) in enumerate(permutations(order, 2)):
        x, y = order.index(a), order.index(b)
        own = first_formats[(3 * x + y) % len(first_formats)]
        yield _pair(pool, a, b, own, capitals=i % 4 == 3)
        others = [name for name in ALL_PAIR_FORMATS if name != own]
        for j in range(2):
            other = others[(5 * x + y + 4 * j) % len(others)]
            if (a, b, other) not in _SAME_AS_SINGLE:
                yield _pair(pool, a, b, other, capitals=j == 1 and i % 2 == 0)


def _pair(pool: Pool, first: str, second: str, name: str, capitals: bool) -> Draft:
    own, a, b = ALL_PAIR_FORMATS[name], FIELDS[first], FIELDS[second]
    end = ", all in capital letters" if capitals else ""
    eval_end = ", everything in upper case" if capitals else ""
    phrases = (
        f"{a.names[0]} and {b.names[0]}, {own.how}{end}",
        own.between.format(a=a.names[1], b=b.names[1]) + end,
        f"{a.names[2]} first and then {b.names[2]}, {own.how}{end}",
    )
    eval_phrases = [f"{a.eval_name} and {b.eval_name}, {own.eval_how}{eval_end}"]
    pairs = {}
    for text, fields in pool.items():
        answer = own.pattern.format(fields[first], fields[second])
        pairs[text] = answer.upper() if capitals else answer
    task = f"{first}-{second}-{name}" + ("-capitals" if capitals else "")
    return TEMPLATES.draft(task, phrases, eval_phrases, pairs)


def _rows(pool: Pool) -> Iterator[Draft]:
    """Yield three fields in a row."""
    for row in ROWS:
        own = ROW_FORMATS[row.format]
        a, b, c = (FIELDS[field] for field in row.fields)
        phrases = (
            f"{a.names[0]}, {b.names[0]} and {c.names[0]}, {own.names[0]}",
            f"{a.names[1]}, then {b.names[1]}, then {c.names[1]}, {own.names[1]}",
            f"three things, {a.names[2]}, {b.names[2]} and {c.names[2]}, {own.names[0]}",
        )
        eval_phrases = [f"{a.eval_name}, {b.eval_name} and {c.eval_name}, {own.eval_name}"]
        pairs = {
            text: own.pattern.format(*(fields[field] for field in row.fields))
            for text, fields in pool.items()
        }
        yield TEMPLATES.draft(f"{'-'.join(row.fields)}-{row.format}", phrases, eval_phrases, pairs)
