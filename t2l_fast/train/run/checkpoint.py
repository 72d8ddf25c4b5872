"""Checkpoints of a run: one safetensors file, replaced whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from t2l_fast.adapters import LoraBatch
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterMismatch, CheckpointError
from t2l_fast.files import replace_files
from t2l_fast.generators.parts.files import WEIGHTS_NAME
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.run.fingerprint import LISTS_OF_NAMES, flat
from t2l_fast.train.run.layout import CHECKPOINT as FILE
from t2l_fast.train.run.layout import LIBRARY, ORACLES

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
        state: name → tensor, parameters of the optimiser among them.
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
    replace_files(folder, {FILE: save(contiguous, metadata=metadata)})


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
        run: what it must agree with.
        defaults: parts of `run` as they are by default; a setting that an older version did not
            have yet counts as that.

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


def save_oracles(folder: Path, oracles: LoraBatch, run: Mapping[str, Any]) -> None:
    """Keep the adapters of a warm start, so that an interrupted run needn't train them again.

    Args:
        run: what a resumed run must agree with, plain data.
    """
    tensors = {f"a.{m}": t.cpu().contiguous() for m, t in oracles.lora_a.items()}
    tensors |= {f"b.{m}": t.cpu().contiguous() for m, t in oracles.lora_b.items()}
    replace_files(folder, {ORACLES: save(tensors, metadata={"run": json.dumps(dict(run))})})


def load_oracles(
    folder: Path, config: LoraConfig, modules: Iterable[str], run: Mapping[str, Any]
) -> LoraBatch | None:
    """Load what `save_oracles` wrote, its modules in the order asked for, or None.

    Raises:
        CheckpointError: the file is damaged, or of another run.
    """
    path = folder / ORACLES
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            saved = json.loads((file.metadata() or {})["run"])
            names = list(modules)  # safetensors sorts what it stores
            lora_a, lora_b = ({m: file.get_tensor(f"{part}.{m}") for m in names} for part in "ab")
        oracles = LoraBatch(config, lora_a, lora_b)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AdapterMismatch) as error:
        raise CheckpointError(f"{path} can't be read: {error}; remove it to train again") from error
    check_same(saved, run, path)
    return oracles


def check_folder(
    folder: Path,
    resume: bool,
    processes: Processes | None = None,
    *,
    own: Sequence[str] = (FILE, ORACLES),
) -> list[str]:
    """Check that a folder has a run to resume, or room for a new one.

    A new run would spoil a run, library or generator that is there.

    Args:
        processes: of the run; what the main one sees counts for all.
        own: files that a run of this kind can be resumed from.

    Returns:
        Those of `own` that are there.

    Raises:
        CheckpointError: there is nothing to resume, or (not resuming) something is there.
    """
    every = {*own, FILE, ORACLES, LIBRARY, WEIGHTS_NAME}
    # asked once: files appear while slower processes still look
    here = (processes or Processes()).of_main({n for n in every if (folder / n).exists()})
    present = [name for name in own if name in here]
    if resume and not present:
        raise CheckpointError(
            f"there is no run to resume: {folder / own[0]} is missing; start without --resume"
        )
    if here and not resume:
        first = next(n for n in (FILE, ORACLES, LIBRARY, WEIGHTS_NAME, *own) if n in here)
        advice = "resume that run, or " if first in own else ""
        raise CheckpointError(f"{folder} holds {first} already: {advice}name another folder")
    return present


def _device(state: Mapping[str, Tensor]) -> torch.device:
    return next(iter(state.values())).device


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def check_same(
    saved: Mapping[str, Any],
    run: Mapping[str, Any],
    path: Path,
    *,
    defaults: Mapping[str, Any] | None = None,
) -> None:
    """Check that a file's record of its run is this run's.

    Args:
        defaults: counts where the file says nothing.

    Raises:
        CheckpointError: it is not; every setting that differs is named.
    """
    now, usual, saved = (json.loads(json.dumps(dict(p))) for p in (run, defaults or {}, saved))
    here, usual, saved = flat(now), flat(usual), flat(saved)
    there = {name: usual[name] for name in usual.keys() & here.keys()} | dict(saved)
    differing = {k for k in there.keys() | here.keys() if there.get(k) != here.get(k)}
    if "task_names" in differing:
        differing -= {"tasks", "oracles.tasks"}  # digests, which say no more
    if differing:
        listed = "; ".join(_difference(k, there.get(k), here.get(k)) for k in sorted(differing))
        raise CheckpointError(
            f"{path} belongs to another run ({listed}): resume with the same settings and tasks, "
            "or start in another folder"
        )


def _difference(name: str, there: Any, here: Any) -> str:
    last = name.rpartition(".")[-1]
    if last == "tasks":
        return "other texts or examples of tasks"
    if last in LISTS_OF_NAMES and there and here:
        lost, new = ([x for x in a if x not in set(b)] for a, b in ((there, here), (here, there)))
        changes = [f"{what} {_some(n)}" for what, n in (("without", lost), ("with", new)) if n]
        return f"{name}: now {' and '.join(changes) or 'in another order'}"
    return f"{name}: {there!r} there, {here!r} now"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more
