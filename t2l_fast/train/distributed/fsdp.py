"""A frozen base model whose weights are split over processes (FSDP2)."""

from __future__ import annotations

import sys

from torch import nn

from t2l_fast.errors import ConfigError, UnsupportedModel
from t2l_fast.train.distributed.processes import Processes


def shard(model: nn.Module, processes: Processes) -> None:
    """Freeze a model and leave each process its share of every layer, on its device; for good.

    A layer's weights are gathered before it runs, forward and backward, and dropped after it.
    Hooks, module paths and results stay.

    Raises:
        ConfigError: there is one process alone.
        UnsupportedModel: the model is quantised, or does not say what its layers are.
    """
    if processes.count == 1 or processes.device is None:
        raise ConfigError(
            "sharding needs at least 2 processes, got 1: "
            "launch with torchrun --nproc-per-node N, or leave --fsdp out"
        )
    if not all(p.is_floating_point() for p in model.parameters()):
        raise UnsupportedModel(
            "sharding needs weights of floating point, got quantised ones: load the model without"
        )
    names = getattr(model, "_no_split_modules", None) or ()
    layers = [m for m in model.modules() if type(m).__name__ in names]
    if not layers:
        raise UnsupportedModel(
            f"sharding needs a model that names its layers (_no_split_modules), got "
            f"{type(model).__name__}: leave --fsdp out"
        )
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    model.requires_grad_(False)
    mesh = init_device_mesh(processes.device.type, (processes.count,))
    for module in (*layers, model):
        fully_shard(module, mesh=mesh)


def is_sharded(model: nn.Module) -> bool:
    """Return whether FSDP shards the model."""
    fsdp = sys.modules.get("torch.distributed.fsdp")
    return fsdp is not None and isinstance(model, fsdp.FSDPModule)
