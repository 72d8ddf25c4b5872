"""read_t2l_folder: tasks as Text-to-LoRA publishes them, a folder with `metadata.yaml` each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from t2l_fast.errors import ArgumentError, TaskError
from t2l_fast.tasks.metadata import FILE, TaskMetadata, read_metadata
from t2l_fast.tasks.published import BENCHMARKS, HELD_OUT, SEEN, is_trained
from t2l_fast.tasks.sni import is_sni, source_of
from t2l_fast.tasks.sources import read_rows
from t2l_fast.tasks.split import split_examples
from t2l_fast.tasks.task import Task

PARTS = ("train", "seen", "held_out", "benchmarks")
"""What of the folders can be read; "seen" is a part of "train"."""

Progress = Callable[[int, int], None]
"""Called with how many data sets were looked at, and of how many."""

log = logging.getLogger("t2l_fast.tasks")


def is_t2l_folder(path: str | Path) -> bool:
    """Return whether a folder holds task folders with `metadata.yaml`."""
    return any(Path(path).glob(f"*/{FILE}"))


def read_t2l_folder(
    path: str | Path,
    *,
    parts: Sequence[str] | None = None,
    data_root: str | Path | None = None,
    train_fraction: float = 0.9,
    max_examples: int | None = None,
    missing: float = 0.1,
    on_task: Progress | None = None,
) -> dict[str, tuple[Task, ...]]:
    """Read the tasks of some parts, with examples from the hub or from local files.

    A data set that can't be had is left out, and a warning names it.

    Args:
        path: the folder of task folders.
        parts: of `PARTS`; None = "train" and, where there are any, "held_out". Which folder
            belongs where is told by `tasks/published.py`.
        data_root: a folder of local data sets; None = the hub, or what `datasets` cached of it.
        train_fraction: of a trained task's distinct inputs; the others are for validation, as all
            inputs of other parts are.
        max_examples: of each task, drawn with its name as seed; None = all that `ds_kwargs` name.
        missing: the largest share of data sets that may be left out.

    Returns:
        part → tasks in the order of their names.

    Raises:
        TaskError: a folder is damaged, a part is empty, or more than `missing` data sets can't be
            had.
        ArgumentError: an argument is out of its range.
    """
    _check(parts, train_fraction, max_examples)
    folders = sorted(file.parent for file in Path(path).glob(f"*/{FILE}"))
    names = ("train", "held_out") if parts is None else parts
    wanted = {part: [f for f in folders if _belongs(f.name, part)] for part in names}
    if parts is None and not wanted["held_out"]:
        del wanted["held_out"]
    for part, members in wanted.items():
        if not members:
            raise TaskError(f"{path} must hold task folders of the part {part!r}, got none")
    needed = sorted({folder for members in wanted.values() for folder in members})
    read = [read_metadata(folder) for folder in needed]
    tasks: dict[str, Task] = {}
    lost: dict[str, TaskError] = {}
    for count, meta in enumerate(read, 1):
        fraction = train_fraction if is_trained(meta.name) else 0.0
        try:
            tasks[meta.name] = _task(meta, data_root, fraction, max_examples)
        except TaskError as error:
            lost[meta.name] = error
            if len(lost) > missing * len(read) or len(lost) == len(read):
                raise _too_many(lost, len(read), data_root) from error
        if on_task is not None:
            on_task(count, len(read))
    for name, error in lost.items():
        log.warning("left out: %s: %s", name, error)
    if lost:
        log.warning("%d of %d tasks were left out", len(lost), len(read))
    split = {
        part: tuple(tasks[folder.name] for folder in members if folder.name in tasks)
        for part, members in wanted.items()
    }
    empty = [part for part, group in split.items() if not group]
    if empty:
        raise TaskError(f"none of the data sets of the part {empty[0]!r} can be had")
    return split


def read_t2l_descriptions(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Read the training descriptions by folder name, without any data set.

    Raises:
        TaskError: a folder is damaged.
    """
    folders = sorted(file.parent for file in Path(path).glob(f"*/{FILE}"))
    return {folder.name: read_metadata(folder).descriptions for folder in folders}


def _task(meta: TaskMetadata, root: str | Path | None, fraction: float, limit: int | None) -> Task:
    rows = read_rows(
        meta.source, root=None if root is None else Path(root), limit=limit, seed=meta.name
    )
    converted = [meta.example(row) for row in rows]
    examples = [example for example in converted if example is not None]
    if len(examples) < len(converted):
        log.warning(
            "%s: %d of %d rows have an empty side and were left out",
            meta.name,
            len(converted) - len(examples),
            len(converted),
        )
    inputs = len({example.input.strip() for example in examples})
    if inputs < (2 if fraction else 1):
        raise TaskError(f"{meta.source['path']} must have distinct inputs, got {inputs}")
    train, validation = split_examples(meta.name, examples, fraction)
    path = meta.source["path"]
    return Task(
        meta.name,
        source_of(path) if is_sni(path) else meta.name,
        meta.descriptions,
        meta.eval_descriptions,
        train,
        validation,
    )


def _belongs(name: str, part: str) -> bool:
    if part == "train":
        return is_trained(name)
    return name in {"seen": SEEN, "held_out": HELD_OUT, "benchmarks": BENCHMARKS}[part]


def _too_many(lost: dict[str, TaskError], count: int, root: str | Path | None) -> TaskError:
    first = next(iter(lost))
    remedy = (
        "check --data-root (`data_root`)"
        if root is not None
        else "run it once where the hub can be reached, so that they are cached, or name a folder "
        "of local copies with --data-root (`data_root`)"
    )
    return TaskError(
        f"at least {len(lost)} of {count} data sets can't be had, too many to go on without them "
        f"({first}: {lost[first]}): {remedy}"
    )


def _check(parts: Sequence[str] | None, train_fraction: float, max_examples: int | None) -> None:
    if parts is not None and (not parts or {*parts} - {*PARTS}):
        raise ArgumentError(f"parts must be some of {PARTS}, got {tuple(parts)}")
    if not 0 <= train_fraction < 1:
        raise ArgumentError(f"train_fraction must be at least 0 and below 1, got {train_fraction}")
    if max_examples is not None and max_examples < 1:
        raise ArgumentError(f"max_examples must be at least 1 or None, got {max_examples}")
