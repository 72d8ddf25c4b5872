"""Options of reconstruction."""

from __future__ import annotations

from dataclasses import dataclass

from t2l_fast.train.run.config import check, schedule_factor


@dataclass(frozen=True, slots=True)
class ReconConfig:
    """Reconstruction of a library of LoRAs; defaults are Text-to-LoRA's (`train_hyper_recon.py`).

    Args:
        steps: optimiser steps.
        factorized: compare A with A and B with B; else their products ΔW, which are never formed.
        delta_w_scale: factor on ΔW, whose entries are small.
        tasks_per_batch: different adapters in one step.
        descriptions_per_task: codes of each.
        learning_rate: peak, of AdamW; rises over `warmup_fraction` of the steps, falls to zero.
        warmup_fraction: share of the steps with a rising learning rate.
        weight_decay: of AdamW.
        clip_norm: largest gradient norm.
        seed: of everything random.
        eval_every: steps between evaluations (the loss under a task's own and another's
            description); 0 = never.
        save_every: steps between checkpoints; the last step is always saved.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: int
    factorized: bool = True
    delta_w_scale: float = 1e4
    tasks_per_batch: int = 4
    descriptions_per_task: int = 1
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.1
    weight_decay: float = 1e-3
    clip_norm: float = 1.0
    seed: int = 42
    eval_every: int = 500
    save_every: int = 500

    def __post_init__(self) -> None:
        for name in ("steps", "tasks_per_batch", "descriptions_per_task", "save_every"):
            check(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("learning_rate", "clip_norm", "delta_w_scale"):
            check(self, name, getattr(self, name) > 0, "positive")
        check(self, "weight_decay", self.weight_decay >= 0, "0 or more")
        check(self, "eval_every", self.eval_every >= 0, "0 or more")
        check(self, "warmup_fraction", 0 <= self.warmup_fraction < 1, "in [0, 1)")

    def factor(self, step: int) -> float:
        """Learning rate of a step (from 0) over the peak."""
        return schedule_factor(step, self.steps, self.warmup_fraction, "linear")
