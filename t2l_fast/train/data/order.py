"""The order in which tasks are trained on, and what they must have."""

from __future__ import annotations

import random
from collections.abc import Sequence

from t2l_fast.errors import ConfigError
from t2l_fast.tasks import Task


def check_tasks(tasks: Sequence[Task], at_once: int = 1) -> None:
    """Check that there are enough tasks, and that all have something to train on.

    Raises:
        ConfigError: none, fewer than `at_once`, or one without training examples.
    """
    if not tasks:
        raise ConfigError("training needs tasks, got none")
    if len(tasks) < at_once:
        raise ConfigError(
            f"tasks_per_batch must be at most the {len(tasks)} training tasks, got {at_once}"
        )
    bare = [task.name for task in tasks if not task.train]
    if bare:
        raise ConfigError(
            f"tasks to train on must have training examples, got {len(bare)} without, such as "
            f"{bare[0]!r}: give them examples of at least two different inputs (some are kept for "
            "validation), or leave them out"
        )


def chunked(families: Sequence[str], size: int, rng: random.Random) -> list[int]:
    """Return a random order in which chunks of `size` are of one family, as far as they go.

    Args:
        families: of each task.
    """
    members: dict[str, list[int]] = {}
    for index, family in enumerate(families):
        members.setdefault(family, []).append(index)
    whole: list[list[int]] = []
    rest: list[int] = []
    for family in members.values():
        rng.shuffle(family)
        cut = len(family) - len(family) % size
        whole += [family[i : i + size] for i in range(0, cut, size)]
        rest += family[cut:]
    rng.shuffle(rest)
    cut = len(rest) - len(rest) % size
    whole += [rest[i : i + size] for i in range(0, cut, size)]
    rng.shuffle(whole)
    # a short chunk before others would shift them across families
    return [task for chunk in (*whole, rest[cut:]) for task in chunk]
