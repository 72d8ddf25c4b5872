"""Countries: code, demonym and main language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_csv


@dataclass(frozen=True, slots=True)
class Nation:
    """A country with its two-letter code.

    Args:
        name: its English name, without an article.
        code: its two-letter code.
        demonym: the adjective for its people.
        language: its main language; None where the demonym would do.
        article: "the" where English puts it before the name, else "".
    """

    name: str
    code: str
    demonym: str
    language: str | None
    article: str


_COLUMNS = ("name", "code", "demonym", "language", "article")
NATIONS = tuple(
    Nation(name, code, demonym, language or None, article)
    for name, code, demonym, language, article in read_csv(
        Path(__file__).with_name("nations.csv"), *_COLUMNS, optional=("language", "article")
    )
)
"""About 115 well-known countries."""
_ARTICLES = {nation.name: nation.article for nation in NATIONS}


def with_article(name: str) -> str:
    """Return a country's name after its article, if it has one."""
    return f"{_ARTICLES.get(name, '')} {name}".lstrip()
