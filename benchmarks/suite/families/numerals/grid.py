"""Currency, unit or label by the form in which a number is written; magnitude by prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml
from benchmarks.suite.descriptions import NamedValue, Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft, map_inputs

_FOLDER = Path(__file__).parent
INPUT_NOUNS = ("a number", "a number in digits", "an integer")


@dataclass(frozen=True, slots=True)
class Forms:
    """How a number is written, by the name of the form; `labels` are what may bear a number."""

    labels: tuple[str, ...]
    money: dict[str, str]
    measure: dict[str, str]
    label: dict[str, str]


FORMS = read_toml(_FOLDER / "forms.toml", Forms)
PHRASES = read_toml(
    _FOLDER / "grid_phrases.toml",
    dict[str, dict[str, Phrases]],
    keys=("money", "measure", "label", "magnitude"),
)
CURRENCIES = read_csv(_FOLDER / "currencies.csv", "name", "sign", "code", "noun")
UNITS = read_csv(_FOLDER / "units.csv", "name", "symbol")
MAGNITUDES = read_toml(_FOLDER / "magnitudes.toml", dict[str, NamedValue])
PREFIXES = read_toml(_FOLDER / "prefixes.toml", dict[str, NamedValue])
DUPLICATES = {
    *("dollars-sign-before", "euros-code-after", "kilometres-short", "page-digits"),
    "magnitude-million",
}
"""Cells that the family has under other names."""


def grid_drafts(numbers: Sequence[str], writers: Mapping[str, Callable[[int], str]]) -> list[Draft]:
    """Return one draft per cell.

    Args:
        numbers: the inputs, in digits; 21 is among them.
        writers: how to write a number as "english-words", "ordinal" and "roman".
    """
    values = {
        text: {
            "n": text,
            "s": "" if text == "1" else "s",
            "nth": writers["ordinal"](int(text)),
            "roman": writers["roman"](int(text)),
            "words": writers["english-words"](int(text)),
        }
        for text in numbers
    }
    drafts = []
    for cells in (_money(), _measures(), _labels(), _magnitudes()):
        for name, form, phrases, fields in cells:
            if name not in DUPLICATES:
                filled = fill_fields(phrases, form.format(**values["21"]), **fields)
                pairs = map_inputs(numbers, lambda text, form=form: form.format(**values[text]))
                drafts.append(describe(name, filled, INPUT_NOUNS, pairs))
    return drafts


Cell = tuple[str, str, Phrases, dict[str, "str | NamedValue"]]
"""Name, form, phrases and what fills their fields."""


def _money() -> Iterator[Cell]:
    for name, sign, code, noun in CURRENCIES:
        for form, written in FORMS.money.items():
            filled = _fill_some(written, sign=sign, code=code, noun=noun)
            phrases = (PHRASES["money"] | PHRASES["measure"])[form]
            yield f"{name}-{form}", filled, phrases, {"many": name, "sign": sign, "code": code}


def _measures() -> Iterator[Cell]:
    for name, symbol in UNITS:
        for form, written in FORMS.measure.items():
            filled = _fill_some(written, code=symbol, noun=f"{name[:-1]}{{s}}")
            fields: dict[str, str | NamedValue] = {"many": name, "code": symbol}
            yield f"{name}-{form}", filled, PHRASES["measure"][form], fields


def _labels() -> Iterator[Cell]:
    for label in FORMS.labels:
        for form, written in FORMS.label.items():
            filled = _fill_some(written, label=label)
            yield f"{label}-{form}", filled, PHRASES["label"][form], {"label": label}


def _magnitudes() -> Iterator[Cell]:
    phrases = PHRASES["magnitude"]
    for name, size in MAGNITUDES.items():
        yield f"magnitude-{name}", size.value, phrases["plain"], {"size": size}
        for lead, prefix in PREFIXES.items():
            fields: dict[str, str | NamedValue] = {"size": size, "lead": prefix}
            written = f"{prefix.value}{size.value}"
            yield f"magnitude-{name}-{lead}", written, phrases["led"], fields


def _fill_some(form: str, **values: str) -> str:
    """Fill some of the fields; those that depend on the number stay."""
    for field, value in values.items():
        form = form.replace(f"{{{field}}}", value)
    return form
