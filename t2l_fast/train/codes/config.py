"""Options of codes fitted to examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from t2l_fast.bounds import check_bounds


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

    steps: Annotated[int, Ge(1)] = 24
    rows: Annotated[int, Ge(1)] = 2
    learning_rate: Annotated[float, Gt(0)] = 0.05
    seed: int = 42

    def __post_init__(self) -> None:
        check_bounds(self)
