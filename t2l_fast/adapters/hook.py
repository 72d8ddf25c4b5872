"""The forward hook of one site; copies and pickles of its module carry one that does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from t2l_fast.adapters.cores import CoreSlab, add_core_delta
from t2l_fast.adapters.layer import add_delta
from t2l_fast.adapters.sites import Site
from t2l_fast.errors import UseError
from t2l_kernels import Workspace
from t2l_kernels._core.workspace import capturing

if TYPE_CHECKING:
    from t2l_fast.adapters.attach import Adapters


class SiteHook:
    """Adds the active adapters' delta to a linear's output."""

    def __init__(self, adapters: Adapters, site: Site) -> None:
        self.adapters = adapters
        self.key = site.key
        self.layer = site.layer
        self.path = site.path
        self.dropout = adapters.config.dropout
        self.fired = False
        self.forwards = 0  # in this use and not recomputed yet
        self.cores: tuple[Tensor, ...] | None = None
        slab = adapters.slab
        self.empty = slab is not None and site.key not in slab.ranks
        if slab is not None and not self.empty:
            self.lora_a = slab.lora_a[site.key][site.layer]
            self.lora_b = slab.lora_b[site.key][site.layer]
            self.scalings = slab.scalings[site.key]
            self.ranks = slab.ranks[site.key]
            if isinstance(slab, CoreSlab):
                self.cores = slab.layer(site.key, site.layer)

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor
    ) -> Tensor | None:
        active = self.adapters.active
        if not torch.compiler.is_compiling():
            self.adapters.note_forward(active, self)
        if active is None:
            return None
        self.fired = True
        x = args[0] if args else next(iter(kwargs.values()))
        route = active.route(x.shape[:-1])
        if self.dropout > 0.0 and module.training:
            x = dropout(x, self.dropout)
        batch, workspace = active.batch, self._workspace(output.device)
        if batch is not None:
            if self.key not in batch.keys:
                return None
            a, b = batch.layer(self.key, self.layer, output.dtype)
            with batch.saving(self.key, self.layer, a, b):
                return add_delta(x, output, a, b, route, batch.scalings, None, workspace)
        if self.empty:
            return None
        if self.cores is not None:
            return add_core_delta(x, output, self.cores, route, self.scalings, self.ranks)
        weights = self.lora_a, self.lora_b, route, self.scalings, self.ranks
        return add_delta(x, output, *weights, workspace)

    def _workspace(self, device: torch.device) -> Workspace | None:
        """None where a graph is made: a captured one has a pool of its own that reuses memory."""
        if torch.compiler.is_compiling() or capturing(device):
            return None
        return self.adapters.workspace

    def __reduce__(self):
        return _inert, ()


class RouteReset:
    """Forward pre-hook of the model: every forward reads the slots anew."""

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        active = self.adapters.active
        if active is not None:
            active.routes = ()

    def __reduce__(self):
        return _inert, ()


class ShowToDynamo:
    """Forward pre-hook of a site's parent, for `torch.compile` only.

    Dynamo gives tensors that it first reaches through a built-in module, as every linear is, static
    shapes: a recompile per batch size. Reached through the parent first, the slots stay dynamic.
    """

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if torch.compiler.is_compiling() and self.adapters.active is not None:
            self.adapters.active.slots.shape  # noqa: B018

    def __reduce__(self):
        return _inert, ()


def in_backward() -> bool:
    """Whether autograd's engine is running in this thread, as when a checkpoint is recomputed."""
    return torch._C._current_graph_task_id() != -1


def check_recomputed(last: object | None, active: object | None, hook: SiteHook) -> None:
    """Raise if a forward is recomputed for backward under another `use` than its own."""
    foreign = last is not active
    if active is not None:
        hook.forwards -= 1
        foreign = foreign or hook.forwards < 0
    if foreign:
        state = "closed" if active is None else "replaced by another"
        raise UseError(
            f"activations are recomputed in backward, but the use() of their forward was {state}: "
            "call backward inside the same use(), once per forward"
        )


def _does_nothing(*args: Any) -> None:
    return None


def _inert():
    return _does_nothing
