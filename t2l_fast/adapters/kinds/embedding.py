"""Adapters of embeddings: A is looked up by token id instead of multiplied.

The looked-up columns are what a linear's A makes of its input. So the rest is a linear's delta
with the identity as A.
"""

from __future__ import annotations

import torch
from torch import Tensor

from t2l_fast.adapters.kinds.delta import LoraDelta, add_delta
from t2l_fast.adapters.sites import Site
from t2l_fast.errors import AdapterMismatch
from t2l_kernels import Route, Workspace


class EmbeddingDelta(LoraDelta):
    """A and B of one embedding's slots, `[S, R, num_embeddings]` and `[S, R, out]`."""

    def set_magnitude(
        self, slot: int, a: Tensor, b: Tensor, scaling: float, magnitude: Tensor
    ) -> Tensor:
        """Raise AdapterMismatch: DoRA runs on linears alone."""
        raise AdapterMismatch(
            f"DoRA runs on linears alone, got one on the embedding {self.site.path}: merge it into "
            "the base model with PEFT"
        )

    def apply(
        self, site: Site, x: Tensor, y: Tensor, route: Route, workspace: Workspace | None
    ) -> Tensor:
        """Return `y` with every row's adapter applied; `x` are token ids, `[…]`."""
        a, b = self.lora_a, self.lora_b
        return add_embedding_delta(site, x, y, a, b, route, self.scalings, self.ranks, workspace)


def add_embedding_delta(
    site: Site,
    ids: Tensor,
    y: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
    workspace: Workspace | None,
) -> Tensor:
    """Return `y + delta` of an embedding.

    Args:
        site: where.
        ids: `[…]` integers.
        y: `[…, out]`, the embedding's output.
        lora_a: `[S, R, num_embeddings]`.
        lora_b: `[S, R, out]`.
        route: of `ids`, flattened.
        scalings: `[S]` fp32.
        ranks: `[S]` int32 or None.
        workspace: for what no gradient keeps.
    """
    num_slots, rank = lora_a.shape[:2]
    slots = route.token_slots.clamp(min=0).long()
    columns = lora_a[slots, :, ids.reshape(-1)]
    if ranks is not None:  # rows beyond a slot's rank may hold anything
        live = torch.arange(rank, device=ranks.device) < ranks[slots][:, None]
        columns = torch.where(live, columns, 0.0)
    scale = getattr(site.module, "embed_scale", None)  # Gemma's, which the output has already
    if scale is not None:
        columns = columns * torch.as_tensor(scale, device=columns.device).to(columns.dtype)
    identity = torch.eye(rank, dtype=lora_a.dtype, device=lora_a.device)
    identity = identity.repeat(num_slots, 1, 1)
    x = columns.view(*ids.shape, rank)
    return add_delta(x, y, identity, lora_b, route, scalings, ranks, workspace)
