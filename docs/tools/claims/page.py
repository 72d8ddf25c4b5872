"""A page of the documentation, and what stands on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"

FENCE = re.compile(r"^([ \t]*)```(\w*)\n(.*?)^\1```", re.M | re.S)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
SNIPPET = re.compile(r'^--8<-- "([^"]+)"$', re.M)


class Page(NamedTuple):
    """A page of the documentation."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Page:
        """Read a page."""
        return cls(path, path.read_text(encoding="utf-8"))

    def blocks(self, *languages: str) -> list[str]:
        """Return the fenced blocks of some languages, without their indentation."""
        fenced = FENCE.findall(self.text)
        return [
            re.sub(rf"^{pad}", "", body, flags=re.M) for pad, of, body in fenced if of in languages
        ]

    def spans(self) -> list[str]:
        """Return inline code."""
        return SPAN.findall(FENCE.sub("", self.text))

    def lines(self) -> list[str]:
        """Return the shell commands of fenced blocks, joined where they continue."""
        text = "\n".join(self.blocks("bash", "")).replace("\\\n", " ")
        return [line.strip() for line in text.splitlines()]


def pages() -> list[Path]:
    """Return every page whose claims must be true today; the log and CHANGELOG are history."""
    root = [ROOT / name for name in ("README.md", "DESIGN.md", "CONTRIBUTING.md")]
    return [*root, *(p for p in sorted(DOCS.rglob("*.md")) if p.name != "research-log.md")]
