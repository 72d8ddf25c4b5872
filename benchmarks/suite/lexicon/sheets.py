"""Blocks that hold a task's sheet of phrases together with its inputs' names and its pairs."""

from __future__ import annotations

from collections.abc import Iterator


def sheets(text: str) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """The name, the nouns, the sheet and the table of each block.

    Args:
        text: blocks as `asking.drafts` reads them, each with a line ": noun; noun" of what an
            input may be called, and lines ". word=answer word=answer".
    """
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        marked = {mark: [s[2:] for s in lines if s.startswith(f"{mark} ")] for mark in ":."}
        sheet = "\n".join(line for line in lines if line[:2] not in {": ", ". "})
        yield lines[0], tuple(marked[":"][0].split("; ")), sheet, " ".join(marked["."])
