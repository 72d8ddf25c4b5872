"""Settings of a run as flat names and plain values, for people, messages and trackers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from t2l_fast.tasks import Task

LISTS_OF_NAMES = ("module_paths", "task_names")


def flat(plain: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested fields by dotted names, so that a message can name the one that differs."""
    fields: dict[str, Any] = {}
    for name, value in plain.items():
        if isinstance(value, Mapping):
            fields |= flat(value, f"{prefix}{name}.")
        else:
            fields[f"{prefix}{name}"] = value
    return fields


def digest(tasks: Sequence[Task]) -> str:
    """Return 16 hexadecimal digits of their names, texts and examples, in this order."""
    content = hashlib.sha256()
    for task in tasks:
        content.update(repr(asdict(task)).encode())
    return content.hexdigest()[:16]


def shown(run: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Return flat settings in types that every tracker takes, without long lists of names."""
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
