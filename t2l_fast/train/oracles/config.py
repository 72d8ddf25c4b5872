"""Options of oracle training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Interval

from t2l_fast.bounds import check_bounds


@dataclass(frozen=True, slots=True)
class OracleConfig:
    """An adapter of its own for every task, many of them trained in one batch.

    Args:
        steps: optimiser steps of every adapter.
        examples: rows of a task in each step.
        tasks_at_once: adapters trained in one batch.
        learning_rate: of AdamW.
        betas: of AdamW.
        weight_decay: of AdamW.
        label_smoothing: of the cross-entropy.
        seed: of the examples' order and of the common start.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: Annotated[int, Ge(1)] = 60
    examples: Annotated[int, Ge(1)] = 2
    tasks_at_once: Annotated[int, Ge(1)] = 32
    learning_rate: Annotated[float, Gt(0)] = 2e-3
    betas: Annotated[tuple[float, float], Interval(ge=0, lt=1)] = (0.8, 0.95)
    weight_decay: Annotated[float, Ge(0)] = 0.0
    label_smoothing: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    seed: int = 42

    def __post_init__(self) -> None:
        check_bounds(self)
