"""read_tasks: tasks from JSON files, one file each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from t2l_fast.errors import ArgumentError, TaskError
from t2l_fast.tasks.split import split_examples
from t2l_fast.tasks.task import Example, Task

KEYS = ("name", "source", "licence", "family", "descriptions", "examples")
EVAL_DESCRIPTIONS = 4
"""How many of a file's descriptions, its last, are held out of training."""


def read_tasks(path: str | Path, *, train_fraction: float = 0.0) -> list[Task]:
    """Read one task file, or all `*.json` of a folder in the order of their names.

    A file is an object. Its keys `name`, `source`, `licence` and `family` hold strings.
    `descriptions` is a list of strings, the last 4 for evaluation; fewer than 5 serve for both.
    `examples` is a list of objects with `input`, `output` and perhaps `answers`, a list of
    strings.

    Args:
        path: the file or folder.
        train_fraction: of a task's distinct inputs, drawn with its name as seed; at least one
            input stays for validation.

    Raises:
        TaskError: there is no such path or no task, or a file is damaged.
        ArgumentError: `train_fraction` is outside [0, 1).
    """
    if not 0 <= train_fraction < 1:
        raise ArgumentError(f"train_fraction must be at least 0 and below 1, got {train_fraction}")
    path = Path(path)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise TaskError(f"{path} must hold at least one *.json file, got none")
    tasks: dict[str, Task] = {}
    origin: dict[str, Path] = {}
    for file in files:
        task = _task(file, train_fraction)
        if task.name in tasks:
            raise TaskError(
                f"{file}: 'name' must be unique in the folder, got {task.name!r}, which is also in "
                f"{origin[task.name]}: rename one"
            )
        tasks[task.name], origin[task.name] = task, file
    return list(tasks.values())


def _task(file: Path, train_fraction: float) -> Task:
    content = _load(file)
    for key in KEYS:
        if key not in content:
            raise _wrong(file, key, "present", f"only {', '.join(content) or 'no keys'}")
    name, _, _, family = (_text(file, key, content[key]) for key in KEYS[:4])
    texts = _list(file, "descriptions", content["descriptions"])
    descriptions = tuple(_text(file, f"descriptions[{i}]", text) for i, text in enumerate(texts))
    listed = _list(file, "examples", content["examples"])
    examples = [_example(file, f"examples[{i}]", item) for i, item in enumerate(listed)]
    few = len(descriptions) <= EVAL_DESCRIPTIONS
    train, validation = split_examples(name, examples, train_fraction)
    return Task(
        name=name,
        family=family,
        descriptions=descriptions if few else descriptions[:-EVAL_DESCRIPTIONS],
        eval_descriptions=descriptions if few else descriptions[-EVAL_DESCRIPTIONS:],
        train=train,
        validation=validation,
    )


def _load(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise TaskError(
            f"tasks must be a JSON file or a folder of them, got {file}: {error.strerror}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise TaskError(f"{file} must be JSON in UTF-8, got {error}") from error
    if not isinstance(content, dict):
        raise TaskError(f"{file} must hold one task as a JSON object, got {_kind(content)}")
    return content


def _example(file: Path, key: str, item: object) -> Example:
    if not isinstance(item, dict):
        raise _wrong(file, key, "an object with 'input' and 'output'", _kind(item))
    sides = []
    for side in ("input", "output"):
        if side not in item:
            raise _wrong(file, f"{key}.{side}", "present", f"only {', '.join(item) or 'no keys'}")
        sides.append(_text(file, f"{key}.{side}", item[side]))
    answers = item.get("answers", [])
    if not isinstance(answers, list):
        raise _wrong(file, f"{key}.answers", "a list of strings", _kind(answers))
    texts = (_text(file, f"{key}.answers[{i}]", text) for i, text in enumerate(answers))
    return Example(*sides, answers=tuple(texts))


def _list(file: Path, key: str, value: object) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise _wrong(file, key, "a list with at least one item", _kind(value))
    return value


def _text(file: Path, key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(file, key, "a non-empty string", _kind(value))
    return value


def _wrong(file: Path, key: str, wanted: str, got: str) -> TaskError:
    return TaskError(f"{file}: {key!r} must be {wanted}, got {got}")


def _kind(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:40] + '…'}"
