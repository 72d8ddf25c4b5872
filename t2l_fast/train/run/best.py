"""The best generator of a run so far, kept as a folder that loads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from t2l_fast.errors import CheckpointError
from t2l_fast.files import replace_files
from t2l_fast.generators import Generator
from t2l_fast.train.run.layout import BEST as FOLDER
from t2l_fast.train.run.layout import LAST, RECORD

__all__ = ["FOLDER", "LAST", "RECORD", "Best", "read_record", "save_generator"]


class Best:
    """Keeps the generator whose measure is highest; of equal ones the earliest.

    Beside the generator lies `best.json`: which measure, its value, and after how many steps. That
    record, not memory, is what a resumed run goes by.

    Args:
        folder: of the run; the generator goes to "best" in it.
        generator: what is trained.
        measure: one of the validator's numbers; None = nothing is written.
        patience: evaluations without improvement until `exhausted`; 0 = never.
        writes: False in all processes of a run but one.
    """

    def __init__(
        self,
        folder: Path,
        generator: Generator,
        measure: str | None,
        *,
        patience: int = 0,
        writes: bool = True,
    ) -> None:
        self.folder, self.generator = folder / FOLDER, generator
        self.measure, self.patience = measure, patience
        self.writes = writes
        self.value: float | None = None
        self.step = 0
        self.without = 0

    @property
    def exhausted(self) -> bool:
        """Whether so many evaluations in a row were no better."""
        return 0 < self.patience <= self.without

    def begin(self) -> None:
        """Forget what a run that never reached a checkpoint left."""
        if self.writes:
            (self.folder / RECORD).unlink(missing_ok=True)

    def resume(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Go on from the record; evaluations since then are counted in the run's metrics.

        The record may be of a step that comes after the last checkpoint: it will be reached again.

        Raises:
            CheckpointError: the record is damaged.
        """
        record = read_record(self.folder)
        if record is None:  # the next evaluation is the best, and nothing counts before it
            return
        self.step, self.value = record["step"], record["value"]
        self.without = sum(self.measure in line and line["step"] > self.step for line in lines)

    def add(self, line: Mapping[str, Any]) -> None:
        """Keep the generator if this line's measure is better than all before."""
        if self.measure is None:
            return
        step, value = line["step"], line[self.measure]
        if self.value is None or value > self.value:
            if self.writes:
                self._save({"measure": self.measure, "value": value, "step": step})
            self.step, self.value, self.without = step, value, 0
        elif step > self.step:
            self.without += 1

    def _save(self, record: Mapping[str, Any]) -> None:
        # without its record a folder that is half replaced counts as none
        (self.folder / RECORD).unlink(missing_ok=True)
        save_generator(self.generator, self.folder)
        replace_files(self.folder, {RECORD: (json.dumps(record) + "\n").encode()})


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return `{"measure", "value", "step"}` of a folder of `Best`, or None.

    Raises:
        CheckpointError: it is damaged.
    """
    path = folder / RECORD
    try:
        read = json.loads(path.read_text())
        measure, value, step = read["measure"], read["value"], read["step"]
        return {"measure": str(measure), "value": float(value), "step": int(step)}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} can't be read: {error}; remove it, and the next evaluation counts as the best"
        ) from error


def save_generator(generator: Generator, folder: Path) -> None:
    """Write a trained generator in fp16, where its format has a choice."""
    generator.save_pretrained(folder, dtype=torch.float16)
