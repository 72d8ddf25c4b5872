"""Metrics: a run's JSONL file, which a resumed run cuts back to its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "metrics.jsonl"


class Metrics:
    """One line a step.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def begin(self) -> None:
        """An empty file, with its folder."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("")

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line; it has a "step"."""
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def cut(self, step: int) -> None:
        """Drop lines after `step`, and one that a kill left half-written."""
        lines = self.path.read_text().splitlines(keepends=True) if self.path.exists() else []
        whole = [text for text in lines if text.endswith("\n")]
        self.path.write_text("".join(t for t in whole if json.loads(t)["step"] <= step))
