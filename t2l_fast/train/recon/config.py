"""Options of reconstruction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Interval

from t2l_fast.bounds import check_bounds
from t2l_fast.train.run.config import LinearSchedule


@dataclass(frozen=True, slots=True)
class ReconConfig(LinearSchedule):
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

    steps: Annotated[int, Ge(1)] = 10_000
    factorized: bool = True
    delta_w_scale: Annotated[float, Gt(0)] = 1e4
    tasks_per_batch: Annotated[int, Ge(1)] = 4
    descriptions_per_task: Annotated[int, Ge(1)] = 1
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    warmup_fraction: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    weight_decay: Annotated[float, Ge(0)] = 1e-3
    clip_norm: Annotated[float, Gt(0)] = 1.0
    seed: int = 42
    eval_every: Annotated[int, Ge(0)] = 500
    save_every: Annotated[int, Ge(1)] = 500

    def __post_init__(self) -> None:
        check_bounds(self)
