"""What a resumed run of end-to-end training must agree with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from t2l_fast.tasks import Task
from t2l_fast.train.run.fingerprint import digest
from t2l_fast.train.sft.config import SFTConfig, WarmStartConfig


def run_settings(
    config: SFTConfig,
    tasks: Sequence[Task],
    *,
    best: str | None,
    warm_start: WarmStartConfig | None,
    generator: Mapping[str, Any],
    origin: str | None,
    dtype: torch.dtype,
) -> dict[str, Any]:
    """Return the settings, the generator and the tasks of a run, as plain data.

    Args:
        best: the measure that the best generator is chosen by.
        generator: its config at the start; a trained encoder changes its name later.
        origin: fingerprint of the generator that the run goes on from.
        dtype: of the base model's weights.
    """
    return {
        "sft": config.fixed() | {"best": best},
        "warm_start": None if warm_start is None else asdict(warm_start),
        "generator": dict(generator),
        "given": origin,
        "dtype": str(dtype),
        "task_names": [task.name for task in tasks],
        "tasks": digest(tasks),
    }


def older_settings(settings: Mapping[str, Any], config: SFTConfig) -> dict[str, Any]:
    """Return what settings count as where the checkpoint of an older version lacks them."""
    usual = {name: settings[name] for name in ("dtype", "task_names")}
    return usual | {"sft": SFTConfig(config.steps).to_dict()}
