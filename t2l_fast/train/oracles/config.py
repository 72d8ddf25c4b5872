"""Options of oracle training."""

from __future__ import annotations

from dataclasses import dataclass

from t2l_fast.train.run.config import check


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

    steps: int = 60
    examples: int = 2
    tasks_at_once: int = 32
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.8, 0.95)
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("steps", "examples", "tasks_at_once"):
            check(self, name, getattr(self, name) >= 1, "at least 1")
        check(self, "learning_rate", self.learning_rate > 0, "positive")
        check(self, "weight_decay", self.weight_decay >= 0, "0 or more")
        check(self, "label_smoothing", 0 <= self.label_smoothing < 1, "in [0, 1)")
        check(self, "betas", all(0 <= b < 1 for b in self.betas), "two numbers in [0, 1)")
