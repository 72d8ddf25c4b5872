"""Checkpoints of a run: one safetensors file, replaced whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from t2l_fast.errors import CheckpointError
from t2l_fast.files import replace_files

FILE = "training.safetensors"


def save_run(
    folder: Path, step: int, model: nn.Module, optimizer: Optimizer, run: Mapping[str, Any]
) -> None:
    """Write weights, optimiser moments and random state after `step` steps.

    Args:
        run: what a resumed run must agree with, plain data.
    """
    tensors = {f"model.{name}": t.detach().cpu() for name, t in model.state_dict().items()}
    tensors["rng"] = torch.get_rng_state()
    names = {id(p): name for name, p in model.named_parameters()}
    for parameter, moments in optimizer.state.items():
        for moment, value in moments.items():
            tensors[f"optimizer.{moment}.{names[id(parameter)]}"] = torch.as_tensor(value).cpu()
    metadata = {"step": str(step), "run": json.dumps(dict(run))}
    contiguous = {name: t.contiguous() for name, t in tensors.items()}
    replace_files(folder, {FILE: save(contiguous, metadata=metadata)})


def load_run(folder: Path, model: nn.Module, optimizer: Optimizer, run: Mapping[str, Any]) -> int:
    """Put a saved run back into `model`, `optimizer` and torch's random state.

    Returns:
        The number of steps that were done.

    Raises:
        CheckpointError: there is none, it is damaged, or it belongs to another run.
    """
    path = folder / FILE
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        saved = json.loads(metadata["run"])
        step = int(metadata["step"])
    except FileNotFoundError:
        raise CheckpointError(
            f"there is no run to resume: {path} is missing; start without --resume"
        ) from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"the checkpoint {path} can't be read: {error}") from error
    _check_same(saved, json.loads(json.dumps(dict(run))), path)
    model.load_state_dict(_under(tensors, "model."))
    for name, parameter in model.named_parameters():
        moments = {}
        for moment in ("step", "exp_avg", "exp_avg_sq"):
            value = tensors.get(f"optimizer.{moment}.{name}")
            if value is not None:
                moments[moment] = value if moment == "step" else value.to(parameter.device)
        if moments:
            optimizer.state[parameter] = moments
    torch.set_rng_state(tensors["rng"])
    return step


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def _check_same(saved: Mapping[str, Any], now: Mapping[str, Any], path: Path) -> None:
    differing = [k for k in saved.keys() | now.keys() if saved.get(k) != now.get(k)]
    if differing:
        listed = "; ".join(
            f"{k}: {saved.get(k)!r} there, {now.get(k)!r} now" for k in sorted(differing)
        )
        raise CheckpointError(
            f"{path} belongs to another run ({listed}): resume with the same settings, or start "
            "in another folder"
        )
