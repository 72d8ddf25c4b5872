"""Options of encoder training."""

from __future__ import annotations

from dataclasses import dataclass

from t2l_fast.train.run.config import check, schedule_factor


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """A LoRA of the text encoder, fitted to descriptions alone (`train/encoder/trainer.py`).

    Args:
        steps: optimiser steps.
        tasks_per_batch: tasks of one step, two descriptions each.
        contrast: tasks of one family put side by side.
        temperature: of the contrastive loss.
        learning_rate: peak, of AdamW; rises over `warmup_fraction` of the steps, falls to zero.
        warmup_fraction: share of the steps with a rising learning rate.
        rank, alpha: of the LoRA.
        seed: of everything random.
        save_every: steps between checkpoints, where a folder is given.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: int = 100
    tasks_per_batch: int = 96
    contrast: int = 24
    temperature: float = 0.05
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.1
    rank: int = 4
    alpha: float = 8.0
    seed: int = 42
    save_every: int = 20

    def __post_init__(self) -> None:
        for name in ("steps", "contrast", "rank", "save_every"):
            check(self, name, getattr(self, name) >= 1, "at least 1")
        check(self, "tasks_per_batch", self.tasks_per_batch >= 2, "at least 2")
        for name in ("temperature", "learning_rate", "alpha"):
            check(self, name, getattr(self, name) > 0, "positive")
        check(self, "warmup_fraction", 0 <= self.warmup_fraction < 1, "in [0, 1)")

    def factor(self, step: int) -> float:
        """Learning rate of a step (from 0) over the peak."""
        return schedule_factor(step, self.steps, self.warmup_fraction, "linear")
