"""Options of codes fitted to examples."""

from __future__ import annotations

from dataclasses import dataclass

from t2l_fast.train.run.config import check


@dataclass(frozen=True, slots=True)
class FitConfig:
    """Codes fitted to examples (`train/codes/fit.py`).

    Args:
        steps: optimiser steps.
        rows: examples of each code in one step.
        learning_rate: of Adam.
        seed: of the examples' order.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: int = 24
    rows: int = 2
    learning_rate: float = 0.05
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("steps", "rows"):
            check(self, name, getattr(self, name) >= 1, "at least 1")
        check(self, "learning_rate", self.learning_rate > 0, "positive")
