"""Build the suite from its families, and split it."""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path

from t2l_fast.errors import TaskError
from t2l_fast.tasks.suite import Suite
from t2l_fast.tasks.task import Task

_FOLDER = Path(__file__).with_name("families")
FAMILIES = tuple(sorted(file.parent.name for file in _FOLDER.glob("*/tasks.py")))
HELD_OUT_FAMILIES = ("repeat", "triples", "units")
HELD_OUT_SHARE = 0.15


def build_suite() -> Suite:
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
    module = import_module(f"benchmarks.suite.families.{family}.tasks")
    try:
        return [draft.build(family) for draft in module.tasks()]
    except ModuleNotFoundError as error:
        raise TaskError(
            f"building the suite needs the package {error.name}, which is not installed: "
            'pip install "t2l_fast[suite]"'
        ) from error


def _is_held_out(twins: str) -> bool:
    """Decide by a hash of the near-twins' common name, so that no result can sway the choice."""
    digest = hashlib.sha256(twins.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < HELD_OUT_SHARE
