"""The built-in suite: families of tasks and their fixed split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from t2l_fast.errors import TaskError
from t2l_fast.tasks.task import Task

FAMILIES = (
    "arithmetic",
    "code",
    "countries",
    "dates",
    "extract",
    "labels",
    "letters",
    "membership",
    "morphology",
    "numerals",
    "phrases",
    "pick_category",
    "pick_position",
    "relations",
    "repeat",
    "sequence",
    "spelling",
    "translation",
    "triples",
    "units",
    "wrap",
)
HELD_OUT_FAMILIES = ("repeat", "triples", "units")
HELD_OUT_SHARE = 0.15


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
        return {
            "train": self.train,
            "held_out": self.held_out,
            "held_out_families": self.held_out_families,
        }


def load_suite() -> Suite:
    """Build the suite; the same tasks, examples and split on every call and machine.

    Raises:
        TaskError: a package with lexical data is not installed.
    """
    parts: dict[str, list[Task]] = {"train": [], "held_out": [], "held_out_families": []}
    for family in FAMILIES:
        for task in _family(family):
            if family in HELD_OUT_FAMILIES:
                parts["held_out_families"].append(task)
            else:
                parts["held_out" if _is_held_out(task.twins) else "train"].append(task)
    return Suite(**{name: tuple(tasks) for name, tasks in parts.items()})


def _family(family: str) -> list[Task]:
    module = import_module(f"t2l_fast.tasks.families.{family}")
    try:
        return [draft.build(family) for draft in module.tasks()]
    except ModuleNotFoundError as error:
        raise TaskError(
            f"the built-in suite needs the package {error.name}, which is not installed: "
            'pip install "t2l_fast[tasks]"'
        ) from error


def _is_held_out(twins: str) -> bool:
    """By a hash of the near-twins' common name, so that no result can sway the choice."""
    digest = hashlib.sha256(twins.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < HELD_OUT_SHARE
