"""Where an exception came from, without what it says: prompts and descriptions may stand in it."""

from __future__ import annotations

import traceback


def where(error: BaseException) -> str:
    """Its type and the last lines of code that it passed."""
    frames = traceback.extract_tb(error.__traceback__)
    passed = " < ".join(f"{f.filename}:{f.lineno}" for f in reversed(frames[-5:]))
    return f"{type(error).__name__} at {passed}"
