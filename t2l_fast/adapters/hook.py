"""The forward hook of one site; copies and pickles of its module carry one that does nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from t2l_fast.adapters.active import ActiveUse, Activity
from t2l_fast.adapters.kinds.base import Delta
from t2l_fast.adapters.sites import Site
from t2l_fast.errors import UseError
from t2l_kernels import Workspace, capturing


class SiteHook:
    """Adds the active adapters' delta to a linear's output.

    Args:
        activity: what runs now.
        site: where.
        delta: of the slots.
        dropout: probability of dropping inputs in training mode.
    """

    def __init__(self, activity: Activity, site: Site, delta: Delta, dropout: float) -> None:
        self.activity = activity
        self.site = site
        self.delta = delta
        self.dropout = dropout
        self.fired = False
        self.forwards = 0  # in this use and not recomputed yet

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor
    ) -> Tensor | None:
        active = self.activity.active
        if not torch.compiler.is_compiling():
            self._note_forward(active)
        if active is None:
            return None
        self.fired = True
        x = args[0] if args else next(iter(kwargs.values()))
        route = active.route(x.shape[:-1])
        if self.dropout > 0.0 and module.training:
            x = dropout(x, self.dropout)
        delta = self.delta if active.batch is None else active.batch
        return delta.apply(self.site, x, output, route, self._workspace(output.device))

    def _note_forward(self, active: ActiveUse | None) -> None:
        """Remember whose forward ran last; refuse a recomputation under another `use`."""
        if in_backward():
            check_recomputed(self.activity.last_forward, active, self)
        else:
            self.activity.last_forward = active
            self.forwards += 1

    def _workspace(self, device: torch.device) -> Workspace | None:
        """Return the scratch memory; None in a captured graph, whose pool reuses memory."""
        if torch.compiler.is_compiling() or capturing(device):
            return None
        return self.activity.workspace

    def __reduce__(self):
        return _inert, ()


class EmbeddingHook(SiteHook):
    """Adds the active adapters' delta to an embedding's output; PEFT drops no inputs of it."""

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor
    ) -> Tensor | None:
        active = self.activity.active
        if not torch.compiler.is_compiling():
            self._note_forward(active)
        if active is None:
            return None
        self.fired = True
        ids = args[0] if args else next(iter(kwargs.values()))
        delta = self.delta if active.batch is None else active.batch
        route = active.route(ids.shape)
        return delta.apply(self.site, ids, output, route, self._workspace(output.device))


class RouteReset:
    """Forward pre-hook of the model: every forward reads the slots and its input's shape anew."""

    def __init__(self, activity: Activity) -> None:
        self.activity = activity

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        active = self.activity.active
        if active is not None:
            active.routes = ()
            if not torch.compiler.is_compiling():
                active.input = _rows_and_tokens(args, kwargs)

    def __reduce__(self):
        return _inert, ()


class ShowToDynamo:
    """Forward pre-hook of a site's parent, for `torch.compile` only.

    Dynamo gives tensors that it first reaches through a built-in module, as every linear is, static
    shapes: a recompile per batch size. Reached through the parent first, the slots stay dynamic.
    """

    def __init__(self, activity: Activity) -> None:
        self.activity = activity

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if torch.compiler.is_compiling() and self.activity.active is not None:
            self.activity.active.slots.shape  # noqa: B018

    def __reduce__(self):
        return _inert, ()


def _rows_and_tokens(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Size | None:
    named = [kwargs[name] for name in ("input_ids", "inputs_embeds") if name in kwargs]
    tensors = [x for x in (*named, *args[:1]) if isinstance(x, Tensor) and x.dim() >= 2]
    return tensors[0].shape[:2] if tensors else None


def in_backward() -> bool:
    """Return whether autograd runs in this thread, as when a checkpoint is recomputed."""
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
