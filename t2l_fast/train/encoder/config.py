"""Options of encoder training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Interval

from t2l_fast.bounds import check_bounds
from t2l_fast.train.run.config import LinearSchedule


@dataclass(frozen=True, slots=True)
class EncoderConfig(LinearSchedule):
    """A LoRA of the text encoder, fitted to descriptions alone (`train/encoder/trainer.py`).

    Args:
        steps: optimiser steps.
        tasks_per_batch: tasks of one step, two descriptions each.
        contrast: tasks of one family put side by side.
        temperature: of the contrastive loss.
        learning_rate: peak, of AdamW; rises over `warmup_fraction` of the steps, falls to zero.
        warmup_fraction: share of the steps with a rising learning rate.
        rank: of the LoRA.
        alpha: of the LoRA.
        seed: of everything random.
        save_every: steps between checkpoints, where a folder is given.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: Annotated[int, Ge(1)] = 100
    tasks_per_batch: Annotated[int, Ge(2)] = 96
    contrast: Annotated[int, Ge(1)] = 24
    temperature: Annotated[float, Gt(0)] = 0.05
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    warmup_fraction: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    rank: Annotated[int, Ge(1)] = 4
    alpha: Annotated[float, Gt(0)] = 8.0
    seed: int = 42
    save_every: Annotated[int, Ge(1)] = 20

    def __post_init__(self) -> None:
        check_bounds(self)
