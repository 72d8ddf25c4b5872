"""Countries: code, demonym and main language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_csv


@dataclass(frozen=True, slots=True)
class Nation:
    """A country with its two-letter code; `language` is None where the demonym would do."""

    name: str
    code: str
    demonym: str
    language: str | None


_COLUMNS = ("name", "code", "demonym", "language")
NATIONS = tuple(
    Nation(name, code, demonym, language or None)
    for name, code, demonym, language in read_csv(
        Path(__file__).with_name("nations.csv"), *_COLUMNS, optional=["language"]
    )
)
"""About 115 well-known countries."""
