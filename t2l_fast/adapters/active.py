"""What one `Adapters.use` holds while entered: slots, weights, and the routes of both."""

from __future__ import annotations

import torch
from torch import Tensor

from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.deferred import DeferredBatch, DeferredUse, version_of
from t2l_fast.adapters.kinds.delta import add_delta
from t2l_fast.adapters.kinds.embedding import add_embedding_delta
from t2l_fast.adapters.mixed import MixedBatch
from t2l_fast.adapters.routes import route_of
from t2l_fast.adapters.sites import Site
from t2l_kernels import Route, Workspace

Pair = tuple[tuple[Tensor, ...], tuple[Tensor, ...]]


class ActiveUse:
    """Routes live from one forward of the model to the next, one per leading shape."""

    def __init__(
        self,
        slots: Tensor,
        repeat: int,
        batch: LoraBatch | DeferredBatch | MixedBatch | None,
        num_slots: int | None = None,
    ) -> None:
        self.slots = slots
        self.num_slots = num_slots if batch is None else len(batch)
        self.repeat = repeat
        self.routes: tuple[tuple[torch.Size, Route], ...] = ()
        self.input: torch.Size | None = None  # [rows, tokens] of this forward
        self.version = version_of(slots)
        self.batch: UnboundBatch | DeferredUse | None = None
        if isinstance(batch, DeferredBatch):
            self.batch = DeferredUse(batch)
        elif isinstance(batch, MixedBatch):
            self.batch = MixedUse(batch)
        elif batch is not None:
            self.batch = UnboundBatch(batch)

    def route(self, leading: torch.Size) -> Route:
        """Return the route for an input's leading dims; rebuild it once the slots were written."""
        if not torch.compiler.is_compiling() and version_of(self.slots) != self.version:
            self.version, self.routes = version_of(self.slots), ()
        for known, route in self.routes:
            if known == leading:
                return route
        route = route_of(
            self.slots, leading, self.repeat, num_slots=self.num_slots, model=self.input
        )
        self.routes = (*self.routes, (leading, route))
        return route


class UnboundBatch:
    """A LoraBatch cut into layers, once per key and dtype.

    `unbind` gives all layers one backward node; indexing them one by one makes backward 4× slower.
    """

    def __init__(self, batch: LoraBatch | MixedBatch) -> None:
        self.pairs: dict[tuple[str, torch.dtype], Pair] = {}
        self.lora_a, self.lora_b = batch.lora_a, batch.lora_b
        self.keys = batch.lora_a.keys()
        for m in batch.lora_a:
            self._cut(m, batch.lora_a[m].dtype)
        if isinstance(batch, MixedBatch):
            self.scalings = batch.scalings
        else:
            device = next(iter(batch.lora_a.values())).device
            self.scalings = torch.full((len(batch),), batch.config.scaling, device=device)

    def _cut(self, key: str, dtype: torch.dtype) -> Pair:
        with torch.enable_grad():
            a, b = self.lora_a[key].to(dtype), self.lora_b[key].to(dtype)
            self.pairs[key, dtype] = a.unbind(), b.unbind()
        return self.pairs[key, dtype]

    def apply(
        self, site: Site, x: Tensor, y: Tensor, route: Route, workspace: Workspace | None
    ) -> Tensor | None:
        """Return `y` with every row's adapter applied, or None where the batch has none."""
        if site.key not in self.keys:
            return None
        a, b = self.layer(site.key, site.layer, y.dtype)
        if site.is_embedding:
            return add_embedding_delta(site, x, y, a, b, route, self.scalings, None, workspace)
        return add_delta(x, y, a, b, route, self.scalings, None, workspace)

    def layer(self, key: str, layer: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return A `[N, rank, in]` and B `[N, rank, out]` in `dtype`, with their graph."""
        stored = self.lora_a[key].dtype
        if torch.compiler.is_compiling() or dtype == stored:
            a, b = self.pairs[key, stored]
            return a[layer].to(dtype), b[layer].to(dtype)
        a, b = self.pairs.get((key, dtype)) or self._cut(key, dtype)
        return a[layer], b[layer]


class MixedUse(UnboundBatch):
    """A MixedBatch as `ActiveUse` reads it."""

    def __init__(self, batch: MixedBatch) -> None:
        super().__init__(batch)
        self.ranks, self.dropouts = batch.ranks, batch.dropouts

    def apply(
        self, site: Site, x: Tensor, y: Tensor, route: Route, workspace: Workspace | None
    ) -> Tensor | None:
        """Return `y` with every row's adapter applied, or None where the batch has none."""
        if site.key not in self.keys:
            return None
        a, b = self.layer(site.key, site.layer, y.dtype)
        ranks = self.ranks[site.key][site.layer]
        if site.is_embedding:
            return add_embedding_delta(site, x, y, a, b, route, self.scalings, ranks, workspace)
        if self.dropouts is not None:
            x = dropped(x, self.dropouts[route.token_slots.clamp(min=0).long()])
        return add_delta(x, y, a, b, route, self.scalings, ranks, workspace)


def dropped(x: Tensor, probabilities: Tensor) -> Tensor:
    """Drop elements of x `[…, in]` by the probability of their token `[T]`; scale the others."""
    drop = probabilities.view(*x.shape[:-1], 1)
    left = torch.rand(x.shape, device=x.device) >= drop
    return x * (left / (1.0 - drop)).to(x.dtype)


class Activity:
    """What hooks read and write of the adapters attached to one model.

    Fields:
        active: what `use` entered, None outside; never thread-local, since backward and serving
            loops run in other threads.
        last_forward: whose forward ran last.
        workspace: scratch memory that all sites share.
    """

    def __init__(self) -> None:
        self.active: ActiveUse | None = None
        self.last_forward: ActiveUse | None = None
        self.workspace = Workspace()
