"""Settings of a run as flat names and plain values, for people, messages and trackers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from t2l_fast.tasks import Task

LISTS_OF_NAMES = ("module_paths", "task_names")


def flat(plain: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested fields by dotted names, so that a message can name the one that differs."""
    made: dict[str, Any] = {}
    for name, value in plain.items():
        if isinstance(value, Mapping):
            made |= flat(value, f"{prefix}{name}.")
        else:
            made[f"{prefix}{name}"] = value
    return made


def digest(tasks: Sequence[Task]) -> str:
    """Of their names, texts and examples, in this order: 16 hexadecimal digits."""
    made = hashlib.sha256()
    for task in tasks:
        made.update(repr(asdict(task)).encode())
    return made.hexdigest()[:16]


def shown(run: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Flat settings in the types that every tracker takes; long lists of names are left out."""
    return {
        name: _plain(value)
        for name, value in flat(run).items()
        if not any(part in LISTS_OF_NAMES for part in name.split("."))
    }


def _plain(value: Any) -> str | int | float | bool:
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
