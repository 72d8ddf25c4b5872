"""Where an exception came from, without its message: prompts may stand in that."""

from __future__ import annotations

import traceback
from pathlib import Path


def where(error: BaseException, *, paths: bool = True) -> str:
    """Return its type and the last lines of code that it passed.

    Args:
        paths: name files by their whole paths; False = by their names alone.
    """
    frames = traceback.extract_tb(error.__traceback__)
    names = [f.filename if paths else Path(f.filename).name for f in frames]
    lines = [f"{name}:{f.lineno}" for name, f in zip(names, frames, strict=True)]
    passed = " < ".join(reversed(lines[-5:]))
    return f"{type(error).__name__} at {passed}"


def first_line(error: BaseException) -> str:
    """Return its type and the first line of what it says: for whoever holds the engine."""
    words = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
