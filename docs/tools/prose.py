"""Check the prose of the documentation.

Usage: prose.py [FILE ...]. Without files it checks README, DESIGN, CONTRIBUTING and docs/. Prints
one `file:line: problem` per line and exits with 1 if there is any.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SENTENCE_WORDS = 25
AVERAGE_WORDS = 18
COLUMNS = 120
LIMITS = {"README.md": (150, 1500), "DESIGN.md": (200, None)}
"""Lines and words that a file may have."""

_LIST_ITEM = re.compile(r"\A\s*(?:[-*+]|\d+\.)\s+")
_CODE = re.compile(r"(`+).+?\1")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_SENTENCE_END = re.compile(r"(?<=[.!?])[)\"”]?\s+(?=[\"“(\[]?[A-Z0-9`]|[\"“])")
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|etc|vs|cf)\.")
_WORD = re.compile(r"\w[\w'’.,/×-]*")


class Paragraph(NamedTuple):
    """A paragraph or list item and the line that it begins on."""

    line: int
    text: str


def paragraphs(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs and list items of Markdown, without headings, tables, code and HTML."""
    fenced = False
    start, lines = 0, []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        stripped = line.strip()
        fence = stripped.startswith(("```", "~~~"))
        skip = fence or fenced or not stripped or stripped.startswith(("#", "|", "<", ":::", "---"))
        if lines and (skip or _LIST_ITEM.match(line)):
            yield Paragraph(start, " ".join(lines))
            lines = []
        if not skip:
            start = start if lines else number
            lines.append(_LIST_ITEM.sub("", line, count=1).strip())
        fenced ^= fence


def sentences(text: str) -> list[str]:
    """Split a paragraph into sentences; inline code becomes one word, a link its text."""
    # a capital, since a sentence may begin with code
    text = _LINK.sub(r"\1", _CODE.sub("Code", text)).replace("**", "")
    return _SENTENCE_END.split(_ABBREVIATION.sub(r"\1", text))


def count_words(sentence: str) -> int:
    """Return how many words a sentence has; symbols on their own are none."""
    return len(_WORD.findall(sentence))


def long_lines(text: str) -> Iterator[int]:
    """Yield numbers of lines beyond the column limit, outside tables, code and link targets."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        fenced ^= line.strip().startswith("```")
        if not fenced and not line.lstrip().startswith("|") and len(line) > COLUMNS:
            yield number


def problems(path: Path) -> Iterator[str]:
    """Yield one message for each rule that the file breaks."""
    text = path.read_text(encoding="utf-8")
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    counts = []
    for paragraph in paragraphs(text):
        for sentence in sentences(paragraph.text):
            words = count_words(sentence)
            if not words:
                continue
            counts.append(words)
            if words > SENTENCE_WORDS:
                start = sentence[:60]
                yield f"{shown}:{paragraph.line}: {words} words in a sentence: {start}…"
    for number in long_lines(text):
        yield f"{shown}:{number}: more than {COLUMNS} columns"
    if counts and sum(counts) > AVERAGE_WORDS * len(counts):
        yield f"{shown}:1: {sum(counts) / len(counts):.1f} words a sentence on average"
    max_lines, max_words = LIMITS.get(str(shown), (None, None))
    if max_lines and len(text.splitlines()) > max_lines:
        yield f"{shown}:1: {len(text.splitlines())} lines, at most {max_lines}"
    if max_words and len(text.split()) > max_words:
        yield f"{shown}:1: {len(text.split())} words, at most {max_words}"


def main(arguments: list[str]) -> int:
    """Check files and return the exit status."""
    files = [Path(argument).resolve() for argument in arguments] or [
        *(ROOT / name for name in ("README.md", "DESIGN.md", "CONTRIBUTING.md")),
        ROOT / "CHANGELOG.md",
        ROOT / "benchmarks" / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    messages = [m for file in files for m in problems(file)]
    print("\n".join(messages) if messages else f"{len(files)} files: prose is fine")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
