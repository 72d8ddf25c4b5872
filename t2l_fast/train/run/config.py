"""What the configs of all trainers share: the learning-rate schedule."""

from __future__ import annotations

import math


def schedule_factor(step: int, steps: int, warmup_fraction: float, schedule: str) -> float:
    """Return the learning rate of a step (from 0) over the peak."""
    warmup = max(1, round(steps * warmup_fraction))
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    if schedule == "linear":
        return 1.0 - done
    return 1.0 if schedule == "constant" else 0.5 * (1.0 + math.cos(math.pi * done))
