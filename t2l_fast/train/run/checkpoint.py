"""Checkpoints of a run: one safetensors file, replaced whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from t2l_fast.errors import CheckpointError
from t2l_fast.files import replace_files
from t2l_fast.train.run.agreement import check_same
from t2l_fast.train.run.layout import CHECKPOINT

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def save_run(
    folder: Path,
    step: int,
    state: Mapping[str, Tensor],
    optimizer: Optimizer,
    run: Mapping[str, Any],
) -> None:
    """Write weights, optimiser moments and random state after `step` steps.

    Args:
        folder: of the run; its checkpoint is replaced whole.
        step: steps that are done.
        state: name → tensor, parameters of the optimiser among them.
        optimizer: its moments are saved under the names of its parameters.
        run: what a resumed run must agree with, plain data.
    """
    tensors = {f"model.{name}": t.detach().cpu() for name, t in state.items()}
    tensors["rng"] = torch.get_rng_state()
    device = _device(state)
    if device.type == "cuda":
        tensors["rng.cuda"] = torch.cuda.get_rng_state(device)
    names = {id(p): name for name, p in state.items()}
    for parameter, moments in optimizer.state.items():
        for moment, value in moments.items():
            tensors[f"optimizer.{moment}.{names[id(parameter)]}"] = torch.as_tensor(value).cpu()
    metadata = {"step": str(step), "run": json.dumps(dict(run))}
    contiguous = {name: t.contiguous() for name, t in tensors.items()}
    replace_files(folder, {CHECKPOINT: save(contiguous, metadata=metadata)})


def load_run(
    folder: Path,
    state: Mapping[str, Tensor],
    optimizer: Optimizer,
    run: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] | None = None,
) -> int:
    """Put a saved run back into `state`, `optimizer` and torch's random state.

    Args:
        folder: of the run.
        state: name → tensor, written in place; names as they were saved.
        optimizer: receives the moments, on the device of their parameters.
        run: what the checkpoint must agree with, plain data.
        defaults: parts of `run` as they are by default; a setting that an older version did not
            have yet counts as that.

    Returns:
        The number of steps that were done.

    Raises:
        CheckpointError: there is none, it is damaged, or it belongs to another run.
    """
    path = folder / CHECKPOINT
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
    check_same(saved, run, path, defaults=defaults)
    saved_state = _under(tensors, "model.")
    if saved_state.keys() != state.keys():
        raise CheckpointError(f"the checkpoint {path} holds other tensors than this run needs")
    with torch.no_grad():
        for name, tensor in state.items():
            tensor.copy_(saved_state[name])
    for name, parameter in state.items():
        names = {m: f"optimizer.{m}.{name}" for m in _MOMENTS}
        moments = {m: tensors[key] for m, key in names.items() if key in tensors}
        if len(moments) == len(_MOMENTS):
            held = {m: t if m == "step" else t.to(parameter) for m, t in moments.items()}
            optimizer.state[parameter] = held
    torch.set_rng_state(tensors["rng"])
    device = _device(state)
    if device.type == "cuda" and "rng.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["rng.cuda"], device)
    return step


def _device(state: Mapping[str, Tensor]) -> torch.device:
    return next(iter(state.values())).device


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
