"""Adapters that exist only while their site runs: computed for forward, recomputed for backward."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from t2l_fast.adapters.kinds.delta import add_delta
from t2l_fast.adapters.sites import Site
from t2l_fast.config import LoraConfig
from t2l_fast.errors import UseError
from t2l_kernels import Route, Workspace

Make = Callable[[str, int, int], Tensor]
"""(key, layer, 0 for A or 1 for B) → `[N, rank, in | out]`, differentiable and reproducible."""


@dataclass(frozen=True)
class DeferredBatch:
    """N adapters as a function; `Adapters.use(weights=…)` takes it where it takes a LoraBatch.

    A site's A and B live as long as its forward. What autograd keeps of them is how to make them,
    so memory does not grow with layers; the head runs twice instead of once.

    Fields:
        config: rank and scale.
        module_shapes: key → (layers, in, out).
        num_adapters: N.
        make: computes one matrix.
        sources: all tensors that `make` reads; writing one between forward and backward is an
            error.
    """

    config: LoraConfig
    module_shapes: dict[str, tuple[int, int, int]]
    num_adapters: int
    make: Make
    sources: tuple[Tensor, ...]

    def __len__(self) -> int:
        return self.num_adapters

    def matrix(self, key: str, layer: int, part: int, dtype: torch.dtype) -> Tensor:
        """Return A (part 0) or B (part 1) of a site, `[N, rank, in | out]`, with its graph."""
        device = self.sources[0].device.type
        with torch.autocast(device, enabled=False):  # the same numbers in backward
            return self.make(key, layer, part).to(dtype)


class _Recomputed(NamedTuple):
    """What autograd holds in place of a matrix."""

    part: int


class _Outer(NamedTuple):
    """What the hooks around these hold in place of another tensor."""

    held: Any
    unpack: Callable[[Any], Tensor]


class DeferredUse:
    """A DeferredBatch as `ActiveUse` reads it (see `UnboundBatch`)."""

    def __init__(self, batch: DeferredBatch) -> None:
        self.source = batch
        self.keys = batch.module_shapes.keys()
        scaling, device = batch.config.scaling, batch.sources[0].device
        self.scalings = torch.full((len(batch),), scaling, device=device)

    def apply(
        self, site: Site, x: Tensor, y: Tensor, route: Route, workspace: Workspace | None
    ) -> Tensor | None:
        """Return `y` with every row's adapter applied, or None where the batch has none."""
        if site.key not in self.keys:
            return None
        if site.is_embedding:
            raise UseError(
                f"adapters that are recomputed run on linears alone, got {site.path}: leave it out "
                "of target_modules"
            )
        a, b = self.layer(site.key, site.layer, y.dtype)
        with self.saving(site.key, site.layer, a, b):
            return add_delta(x, y, a, b, route, self.scalings, None, workspace)

    def layer(self, key: str, layer: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return A `[N, rank, in]` and B `[N, rank, out]` in `dtype`, with their graph."""
        a, b = (self.source.matrix(key, layer, part, dtype) for part in (0, 1))
        return a, b

    def saving(self, key: str, layer: int, a: Tensor, b: Tensor) -> AbstractContextManager[object]:
        """Let operators save how a and b are made instead of a and b.

        Everything else goes to the hooks that were active before, since autograd asks the innermost
        alone: a checkpoint around this (Chen et al. 2016) still drops what it would drop.

        Code that Dynamo compiles keeps them: it can't trace such hooks.
        """
        if torch.compiler.is_compiling() or not torch.is_grad_enabled():
            return nullcontext()
        places = {_place(t): part for part, t in enumerate((a, b))}
        versions = _versions(self.source)
        dtype, around = a.dtype, _active_hooks()

        def pack(tensor: Tensor) -> Tensor | _Recomputed | _Outer:
            part = places.get(_place(tensor))
            if part is not None:
                return _Recomputed(part)
            return tensor if around is None else _Outer(around[0](tensor), around[1])

        def unpack(held: Tensor | _Recomputed | _Outer) -> Tensor:
            if isinstance(held, _Outer):
                return held.unpack(held.held)
            if not isinstance(held, _Recomputed):
                return held
            if _versions(self.source) != versions:
                raise UseError(
                    "adapters are recomputed in backward, but their source was modified since "
                    "their forward: step the optimiser after backward"
                )
            with torch.no_grad():
                return self.source.matrix(key, layer, held.part, dtype)

        return torch.autograd.graph.saved_tensors_hooks(pack, unpack)


def _active_hooks() -> tuple[Callable[[Tensor], Any], Callable[[Any], Tensor]] | None:
    """Return pack and unpack of the innermost saved-tensor hooks; torch has no public name."""
    return torch._C._autograd._top_saved_tensors_default_hooks(False)  # pyright: ignore


def _place(tensor: Tensor) -> tuple[int, torch.Size, tuple[int, ...]]:
    """Return what tells a matrix from all else that is alive: autograd hands over aliases."""
    return tensor.data_ptr(), tensor.shape, tensor.stride()


def _versions(batch: DeferredBatch) -> list[int]:
    return [version_of(t) for t in batch.sources]


def version_of(tensor: Tensor) -> int:
    """Return how often a tensor was written; −1 where inference mode doesn't count."""
    return -1 if tensor.is_inference() else tensor._version
