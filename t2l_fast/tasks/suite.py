"""The built-in suite, read from the file that ships in the package."""

from __future__ import annotations

import gc
import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any

from t2l_fast.errors import TaskError
from t2l_fast.tasks.task import Example, Task

FILE = Path(__file__).with_name("suite.parquet")
"""Written by `python -m benchmarks.suite`: a row per task."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The built-in tasks in three parts that never change places.

    Fields:
        train: to train on; their validation examples have unseen inputs.
        held_out: other tasks of the same families.
        held_out_families: families of which no task is trained on.
    """

    train: tuple[Task, ...]
    held_out: tuple[Task, ...]
    held_out_families: tuple[Task, ...]

    def __iter__(self) -> Iterator[Task]:
        yield from (*self.train, *self.held_out, *self.held_out_families)

    def __len__(self) -> int:
        return len(self.train) + len(self.held_out) + len(self.held_out_families)

    @property
    def splits(self) -> dict[str, tuple[Task, ...]]:
        """Tasks by split name."""
        return {
            "train": self.train,
            "held_out": self.held_out,
            "held_out_families": self.held_out_families,
        }

    @property
    def digest(self) -> str:
        """SHA-256 of every task's content, in order, with its split."""
        digest = hashlib.sha256()
        for split, tasks in self.splits.items():
            for t in tasks:
                examples = [
                    [(e.input, e.output, e.answers, e.system, e.prefill) for e in part]
                    for part in (t.train, t.validation)
                ]
                content = [split, t.name, t.family, t.descriptions, t.eval_descriptions]
                line = json.dumps(
                    [*content, *examples, t.group], ensure_ascii=False, separators=(",", ":")
                )
                digest.update(line.encode() + b"\n")
        return digest.hexdigest()


def load_suite() -> Suite:
    """Read the suite; the same tasks, examples and split on every call and machine.

    Raises:
        TaskError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise TaskError(
            "the built-in suite needs the package pyarrow, which is not installed: "
            'pip install "t2l_fast[tasks]"'
        ) from error
    collecting = gc.isenabled()
    gc.disable()  # half a million objects that all stay: collecting would triple the time
    try:
        return _suite(pq.ParquetFile(FILE).read())
    finally:
        if collecting:
            gc.enable()


def _suite(table: Any) -> Suite:
    names = ("split", "name", "family", "group", "validation")
    columns: list[Iterable[Any]] = [table[name].to_pylist() for name in names]
    for name in ("descriptions", "eval_descriptions"):
        columns.append(_rows(*_texts(table[name])))
    (inputs, ends), (outputs, _) = _texts(table["inputs"]), _texts(table["outputs"])
    columns.append(_rows(_examples(inputs, outputs), ends))
    parts: dict[str, list[Task]] = {"train": [], "held_out": [], "held_out_families": []}
    for split, name, family, group, held, texts, eval_texts, rows in zip(*columns, strict=True):
        task = Task(name, family, texts, eval_texts, rows[held:], rows[:held], group)
        parts[split].append(task)
    return Suite(**{name: tuple(tasks) for name, tasks in parts.items()})


def _rows(values: list[Any], ends: list[int]) -> Iterator[tuple[Any, ...]]:
    """Cut the values of a column into those of each row."""
    return (tuple(values[a:b]) for a, b in pairwise(ends))


def _texts(column: Any) -> tuple[list[str], list[int]]:
    """Return the texts of all rows, and where each row begins: much faster than row by row."""
    column = column.combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False).tolist(), column.offsets.to_pylist()


def _examples(inputs: list[str], outputs: list[str]) -> list[Example]:
    """Return `Example(input, output)` of each pair.

    Fields are set column by column. Half a million calls of the constructor take 0.6 s longer.
    """
    examples = list(map(object.__new__, repeat(Example, len(inputs))))
    values = {"input": inputs, "output": outputs}
    for field in fields(Example):
        column = values.get(field.name, repeat(field.default))
        deque(map(getattr(Example, field.name).__set__, examples, column), maxlen=0)
    return examples
