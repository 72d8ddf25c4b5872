"""Metrics: a run's JSONL file, which a resumed run cuts back to its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2l_fast.files import replace_files

NAME = "metrics.jsonl"


class Metrics:
    """One line a step.

    Args:
        folder: of the run.
        kept: False writes nothing, as is right for all processes of a run but one.
    """

    def __init__(self, folder: Path, *, kept: bool = True) -> None:
        self.path, self.kept = folder / NAME, kept

    def begin(self) -> None:
        """An empty file, with its folder."""
        if not self.kept:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("")

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line; it has a "step"."""
        if not self.kept:
            return
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def cut(self, step: int) -> None:
        """Drop lines after `step`, and one that a kill left half-written."""
        if not self.kept:
            return
        lines = self.path.read_text().splitlines(keepends=True) if self.path.exists() else []
        whole = [text for text in lines if text.endswith("\n")]
        kept = "".join(text for text in whole if json.loads(text)["step"] <= step)
        replace_files(self.path.parent, {NAME: kept.encode()})
