"""Where a command computes, and the base model to train through, brought there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from t2l_fast.errors import ArgumentError

if TYPE_CHECKING:
    import torch

    from t2l_fast.train import Processes


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """Where a command computes.

    Args:
        device: "cpu", "cuda"; empty = cuda where there is one. Several processes have their own.
    """

    device: str = ""


@dataclass(frozen=True, slots=True)
class FrozenOptions:
    """The frozen base model of a training command.

    Args:
        dtype: of the frozen base model.
        device: "cpu", "cuda"; empty = cuda where there is one. Several processes have their own.
        fsdp: split the base model's weights over the processes.
    """

    dtype: Literal["float32", "bfloat16"] = "float32"
    device: str = ""
    fsdp: bool = False


def chosen(option: str, own: torch.device | None = None) -> torch.device:
    """Return the device that `--device` names; if it is empty, CUDA where there is one, else the
    CPU.

    Args:
        own: of this one of several processes, which goes before the option; None = alone.

    Raises:
        ArgumentError: torch has no such device here.
    """
    import torch

    if own is not None:
        return own
    if not option:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(option)
        if device.type == "meta":
            raise RuntimeError("it computes nothing")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # a build without CUDA asserts
        reason = str(error).split("\n", 1)[0]
        raise ArgumentError(
            f"--device must be cpu, cuda or another that torch has here, got {option!r}: {reason}"
        ) from error
    return device


def load_base(
    name: str, dtype: str, device: torch.device, processes: Processes, *, fsdp: bool
) -> tuple[Any, Any]:
    """Load a base model and its tokenizer, with the attention that training wants.

    Args:
        fsdp: leave each process its share of the weights.

    Raises:
        ConfigError: `fsdp` in a process alone.
        ModelNotFound, UnsupportedModel: there is no such model, or it can't be split.
    """
    import torch

    from t2l_fast.models import load_model, set_training_attention
    from t2l_fast.train import shard

    # a shard goes to its device layer by layer, so that the whole model need not fit there
    first = None if fsdp else device
    model, tokenizer = load_model(name, dtype=getattr(torch, dtype), device=first)
    set_training_attention(model, device)
    if fsdp:
        shard(model, processes)
    return model, tokenizer
