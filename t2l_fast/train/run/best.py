"""The best generator of a run so far, kept as a folder that loads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from t2l_fast.errors import CheckpointError, ConfigError
from t2l_fast.files import replace_files
from t2l_fast.generators import Generator
from t2l_fast.train.run.layout import BEST as FOLDER
from t2l_fast.train.run.layout import LAST, RECORD

__all__ = ["FOLDER", "LAST", "RECORD", "Best", "chosen_measure", "read_record", "save_generator"]


class Best:
    """Keeps the generator whose measure is highest; of equal ones the earliest.

    Beside the generator lies `best.json`: which measure, its value, and after how many steps. That
    record, not memory, is what a resumed run goes by.

    Args:
        folder: of the run; the generator goes to "best" in it.
        measure: one of the validator's numbers; None = nothing is kept.
        patience: evaluations without improvement until `exhausted`; 0 = never.
        kept: False writes nothing, as is right for all processes of a run but one.
    """

    def __init__(
        self, folder: Path, measure: str | None, *, patience: int = 0, kept: bool = True
    ) -> None:
        self.folder, self.measure, self.patience = folder / FOLDER, measure, patience
        self.kept = kept
        self.value: float | None = None
        self.step = 0
        self.without = 0

    @property
    def exhausted(self) -> bool:
        """Whether so many evaluations in a row were no better."""
        return 0 < self.patience <= self.without

    def begin(self) -> None:
        """Forget what a run that never reached a checkpoint left."""
        if self.kept:
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

    def add(self, line: Mapping[str, Any], generator: Generator) -> None:
        """Keep the generator if this line's measure is better than all before."""
        if self.measure is None:
            return
        step, value = line["step"], line[self.measure]
        if self.value is None or value > self.value:
            if self.kept:
                self._save(generator, {"measure": self.measure, "value": value, "step": step})
            self.step, self.value, self.without = step, value, 0
        elif step > self.step:
            self.without += 1

    def _save(self, generator: Generator, record: Mapping[str, Any]) -> None:
        # without its record a folder that is half replaced counts as none
        (self.folder / RECORD).unlink(missing_ok=True)
        save_generator(generator, self.folder)
        replace_files(self.folder, {RECORD: (json.dumps(record) + "\n").encode()})


def read_record(folder: Path) -> dict[str, Any] | None:
    """`{"measure", "value", "step"}` of a folder of `Best`, or None.

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


def chosen_measure(
    asked: str | None, splits: Iterable[str], *, evaluates: bool, patience: int
) -> str | None:
    """What decides: what was asked for, else matched accuracy on the first held-out split.

    Args:
        splits: that are evaluated; "train" decides only where there is no other.
        evaluates: whether the run has evaluations at all.

    Returns:
        None where nothing is evaluated.

    Raises:
        ConfigError: the measure is none of the run's, or stopping early has nothing to go by.
    """
    known = [f"{split}_matched" for split in splits] if evaluates else []
    if asked is not None and asked not in known:
        raise ConfigError(
            f"best must be one of the run's evaluations {known}, got {asked!r}: leave it out, or "
            "set eval_every"
        )
    if patience and not known:
        raise ConfigError(
            f"stop_after={patience} needs evaluations to go by, got none: set eval_every, and give "
            "tasks with validation examples"
        )
    held_out = [name for name in known if name != "train_matched"]
    return asked or next(iter(held_out or known), None)


def save_generator(generator: Generator, folder: Path) -> None:
    """Write a trained generator in fp16, where its format has a choice."""
    generator.save_pretrained(folder, dtype=torch.float16)
