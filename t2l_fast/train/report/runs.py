"""What a run's folder tells: its lines of metrics, its settings, and its best evaluation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from t2l_fast.errors import CheckpointError
from t2l_fast.train.run.best import FOLDER, read_record
from t2l_fast.train.run.fingerprint import shown
from t2l_fast.train.run.metrics import NAME, SETTINGS

KINDS = ("matched", "shuffled", "junk")


@dataclass(frozen=True)
class Run:
    """A training run so far.

    Fields:
        name: different from those of the others in a report.
        lines: of steps, in order.
        phases: name → lines of a warm start.
        settings: by dotted names; empty where nobody knows.
        best: `{"measure", "value", "step"}` of the generator that was kept, or None.
    """

    name: str
    lines: list[dict[str, Any]]
    phases: dict[str, list[dict[str, Any]]]
    settings: dict[str, Any]
    best: dict[str, Any] | None

    def series(self, name: str) -> tuple[list[float], list[float]]:
        """Return the steps at which a metric was written, and its values."""
        points = [(line["step"], line[name]) for line in self.lines if is_number(line.get(name))]
        return [step for step, _ in points], [value for _, value in points]

    @cached_property
    def splits(self) -> list[str]:
        """What was evaluated."""
        names = dict.fromkeys(name for line in self.lines for name in line)
        return [n.removesuffix("_matched") for n in names if n.endswith("_matched")]

    @property
    def unit(self) -> str:
        """What a step is: of task LoRAs the number that is done."""
        return "task LoRAs" if "oracles.steps" in self.settings else "step"

    @property
    def total(self) -> int | None:
        """Steps of the whole run."""
        last = self.lines[-1] if self.lines else {}
        named = (self.settings.get(f"{kind}.steps") for kind in ("sft", "recon"))
        return next((n for n in (last.get("of"), *named) if isinstance(n, int)), None)


def read_runs(folders: Sequence[str | Path]) -> list[Run]:
    """Read every run; one that is being written, too.

    Raises:
        CheckpointError: a folder holds no metrics, or damaged ones.
    """
    paths = list(dict.fromkeys(Path(folder).resolve() for folder in folders))
    return [_read(path, name) for path, name in zip(paths, _names(paths), strict=True)]


def is_number(value: Any) -> bool:
    """Return whether a value is a number, and no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _read(folder: Path, name: str) -> Run:
    lines: list[dict[str, Any]] = []
    phases: dict[str, list[dict[str, Any]]] = {}
    path = folder / NAME
    try:
        texts = path.read_text().splitlines(keepends=True)
        # a run that goes on may be in the middle of its last line
        for text in (t for t in texts if t.endswith("\n")):
            line = json.loads(text)
            if not is_number(line["step"]):
                raise ValueError(f"a step must be a number, got {line['step']!r}")
            if "phase" in line:
                phases.setdefault(str(line["phase"]), []).append(line)
            else:
                lines.append(line)
        settings = folder / SETTINGS
        about = shown(json.loads(settings.read_text())) if settings.exists() else {}
    except FileNotFoundError:
        raise CheckpointError(
            f"a run's folder must hold {NAME}, got {folder}: name what `t2l train` wrote"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"the metrics in {folder} can't be read: {error}") from error
    return Run(name, lines, phases, about, read_record(folder / FOLDER))


def _names(paths: Sequence[Path]) -> list[str]:
    """The last part of each path, or as many as tell all of them apart."""
    longest = max((len(path.parts) for path in paths), default=1)
    for count in range(1, longest + 1):
        names = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names
