"""Metrics: a run's JSONL file, which a resumed run cuts back to its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2l_fast.files import replace_files
from t2l_fast.train.run.layout import METRICS as NAME
from t2l_fast.train.run.layout import SETTINGS
from t2l_fast.train.run.tracking import Tracking


class Metrics:
    """One line a step, and the run's settings beside them.

    Args:
        folder: of the run.
        tracking: also gets every line.
        writes: False in all processes of a run but one, which write and track nothing.
    """

    def __init__(
        self, folder: Path, tracking: Tracking | None = None, *, writes: bool = True
    ) -> None:
        self.path, self.writes = folder / NAME, writes
        self.tracking = tracking if writes else None

    def begin(self, run: Mapping[str, Any]) -> None:
        """Write the settings and an empty file, with its folder.

        Args:
            run: settings, nested plain data.
        """
        if not self.writes:
            return
        self._settings(run)
        self.path.write_text("")
        if self.tracking is not None:
            self.tracking.start(run)

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line; it has a "step"."""
        if not self.writes:
            return
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        if self.tracking is not None:
            self.tracking.log(line)

    def cut(self, step: int, run: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Drop lines after `step`, and one that a kill left half-written; return the others."""
        if not self.writes:
            return []
        texts = self.path.read_text().splitlines(keepends=True) if self.path.exists() else []
        whole = [(text, json.loads(text)) for text in texts if text.endswith("\n")]
        left = [(text, line) for text, line in whole if line["step"] <= step]
        self._settings(run)
        replace_files(self.path.parent, {NAME: "".join(text for text, _ in left).encode()})
        if self.tracking is not None:
            self.tracking.start(run, after=step)
        return [line for _, line in left]

    def close(self) -> None:
        """End tracking."""
        if self.tracking is not None:
            self.tracking.finish()

    def _settings(self, run: Mapping[str, Any]) -> None:
        text = json.dumps(run, indent=1, default=str) + "\n"
        replace_files(self.path.parent, {SETTINGS: text.encode()})
