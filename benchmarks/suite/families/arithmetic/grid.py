"""Operation by number, by how the result is written; equations and expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml
from benchmarks.suite.descriptions import NamedValue, Names, Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft, map_inputs

_FOLDER = Path(__file__).parent
INPUT_NOUNS = ("a number", "a whole number", "an integer")
OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "plus": lambda n, by: n + by,
    "minus": lambda n, by: n - by,
    "times": lambda n, by: n * by,
}
SIGNS = {"plus": "+", "minus": "-", "times": "*"}
PHRASES = read_toml(
    _FOLDER / "grid_phrases.toml",
    dict[str, Phrases],
    keys=[f"{name}{end}" for name in OPERATIONS for end in ("", "-equation", "-form", "-sign")],
)
RESULT_FORMS = read_toml(_FOLDER / "result_forms.toml", dict[str, NamedValue])
NUMBER_WORDS = {
    int(number): words for number, words in read_csv(_FOLDER / "numbers.csv", "number", "words")
}
FURTHER_NUMBERS = {
    "plus": (4, 6, 7, 8, 9, 11, 12, 15, 20, 25, 30, 40, 60, 200, 500),
    "minus": (4, 5, 6, 7, 8, 9, 11, 20, 30, 40, 50),
    "times": (4, 5, 6, 20, 50),
}
"""Numbers for which the family has no task besides the grid's."""
COMMON_STEPS = (("plus", 1), ("plus", 2), ("plus", 10), ("minus", 1), ("times", 2))
FURTHER_STEPS = (
    *(("plus", 3), ("plus", 5), ("plus", 100), ("minus", 2), ("minus", 10)),
    *(("times", 3), ("times", 10)),
)
COMMON_FORMS = ("percent", "dollar", "points")
"""Forms that each common step is written in; every other pair is used once in two."""

Rule = Callable[[int], "str | None"]


def grid_drafts(numbers: Sequence[str]) -> list[Draft]:
    """Return one draft per cell, over numbers in digits."""
    return [
        describe(
            name, phrases, INPUT_NOUNS, map_inputs(numbers, lambda text, rule=rule: rule(int(text)))
        )
        for cells in (_results(), _written_results(), _calculations())
        for name, rule, phrases in cells
    ]


def _results() -> Iterator[tuple[str, Rule, Phrases]]:
    for operation, numbers in FURTHER_NUMBERS.items():
        for by in numbers:
            phrases = fill_fields(PHRASES[operation], by=_names(by))
            yield f"{operation}-{_slug(by)}", _rule("{n}", operation, by), phrases


def _written_results() -> Iterator[tuple[str, Rule, Phrases]]:
    for i, (operation, by) in enumerate(COMMON_STEPS + FURTHER_STEPS):
        for j, (name, form) in enumerate(RESULT_FORMS.items()):
            common = name in COMMON_FORMS and (operation, by) in COMMON_STEPS
            if (i + j) % 2 or common:
                phrases = fill_fields(PHRASES[f"{operation}-form"], by=_names(by), form=form)
                rule = _rule(form.value, operation, by, least=0)
                yield f"{operation}-{_slug(by)}-{name}", rule, phrases


def _calculations() -> Iterator[tuple[str, Rule, Phrases]]:
    for operation, sign in SIGNS.items():
        for by in (2, 3, 5, 10):
            expression = f"{{m}} {sign} {by}"
            for kind, form in (("sign", expression), ("equation", f"{expression} = {{n}}")):
                phrases = fill_fields(PHRASES[f"{operation}-{kind}"], by=_names(by))
                yield f"{operation}-{kind}-{_slug(by)}", _rule(form, operation, by), phrases


def _rule(form: str, operation: str, by: int, least: int | None = None) -> Rule:
    """Fill a form with a number {m} and the result {n}, unless that is below the least."""

    def write(number: int) -> str | None:
        result = OPERATIONS[operation](number, by)
        if least is not None and result < least:
            return None
        return form.format(m=number, n=result, s="" if result == 1 else "s")

    return write


def _slug(number: int) -> str:
    return NUMBER_WORDS[number].replace(" ", "-")


def _names(number: int) -> Names:
    words = NUMBER_WORDS[number]
    return Names((words, str(number)), eval_name=words)
