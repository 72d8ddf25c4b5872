"""What the configs of trainers share: the learning-rate schedule, and what decides the best."""

from __future__ import annotations

import math
from collections.abc import Iterable

from t2l_fast.errors import ConfigError, listed


def schedule_factor(step: int, steps: int, warmup_fraction: float, schedule: str) -> float:
    """Return the learning rate of a step (from 0) over the peak."""
    warmup = max(1, round(steps * warmup_fraction))
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    if schedule == "linear":
        return 1.0 - done
    return 1.0 if schedule == "constant" else 0.5 * (1.0 + math.cos(math.pi * done))


class LinearSchedule:
    """Part of a config whose learning rate rises over the warm-up and then falls linearly."""

    __slots__ = ()
    steps: int
    warmup_fraction: float

    def factor(self, step: int) -> float:
        """Return the learning rate of a step (from 0) over the peak, in [0, 1]."""
        return schedule_factor(step, self.steps, self.warmup_fraction, "linear")


def chosen_measure(
    best: str | None, splits: Iterable[str], *, evaluates: bool, patience: int
) -> str | None:
    """Return what was asked for, else matched accuracy on the first held-out split.

    Args:
        splits: that are evaluated; "train" decides only where there is no other.
        evaluates: whether the run has evaluations at all.

    Returns:
        None where nothing is evaluated.

    Raises:
        ConfigError: the measure is none of the run's, or stopping early has nothing to go by.
    """
    known = [f"{split}_matched" for split in splits] if evaluates else []
    if best is not None and best not in known:
        raise ConfigError(
            f"best must be one of the run's evaluations ({listed(known) or 'none'}), got "
            f"{best!r}: leave it out, or set eval_every"
        )
    if patience and not known:
        raise ConfigError(
            f"stop_after={patience} needs evaluations to go by, got none: set eval_every, and give "
            "tasks with validation examples"
        )
    held_out = [name for name in known if name != "train_matched"]
    return best or next(iter(held_out or known), None)
