"""A head's two calls: what `ops.head` and `ops.head_into_slots` take to make A, and to make B."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from t2l_fast import ops

Z_SCORE_EPSILON = 1e-10
"""Added to standard deviations (T2L's released code)."""


@dataclass(frozen=True)
class Extras:
    """What is added to rows of one matrix in each layer, and how z-scores are undone.

    Fields:
        offset: `[layers, rank, d]` or None.
        mean: the same; of a library of adapters.
        std: the same.
    """

    offset: Tensor | None = None
    mean: Tensor | None = None
    std: Tensor | None = None

    def layer(self, layer: int) -> Extras:
        """Return the tensors of one layer, each `[1, rank, d]`."""
        return Extras(
            *(
                None if t is None else t[layer : layer + 1]
                for t in (self.offset, self.mean, self.std)
            )
        )

    def to(self, like: Tensor) -> dict[str, Any]:
        """Return the keyword arguments of `ops.head`, in the dtype and on the device of `like`."""
        tensors = {"offset": self.offset, "mean": self.mean}
        if self.std is not None:
            tensors["std"] = self.std + Z_SCORE_EPSILON
        return {name: t.to(like) for name, t in tensors.items() if t is not None}


@dataclass(frozen=True)
class HeadCall:
    """One matrix of one module type, all layers and adapters.

    Fields:
        latents: `[layers, N, 1 | rank, h]`.
        weight: `[1 | rank, d, h]`, a view of the head's.
        bias: `[1 | rank, d]` or None.
        extras: of these layers.
    """

    latents: Tensor
    weight: Tensor
    bias: Tensor | None
    extras: Extras

    def rows(self) -> Tensor:
        """Compute rows `[layers, N, rank, d]` with their graph."""
        latents = self.latents.to(self.weight.dtype)  # the trunk's may be autocast's
        return ops.head(latents, self.weight, self.bias, **self.extras.to(latents))

    def into(self, slots: Tensor, out: Tensor) -> None:
        """Write rows into slots of `out` `[layers, S, rank_max, d]`, in the weight's dtype."""
        latents = self.latents.to(self.weight.dtype)
        more = self.extras.to(latents)
        ops.head_into_slots(latents, self.weight, self.bias, slots=slots, out=out, **more)

    def basis(self) -> Tensor:
        """Return the rows that all adapters share (see `ops.fold_head`).

        Returns:
            `[1 | layers, h', d]` in the weight's dtype.
        """
        more = self.extras.to(self.weight)
        return ops.fold_head(self.weight, self.bias, **more)

    def cores(self) -> Tensor:
        """Return each adapter's coordinates over `basis` (see `ops.fold_latents`).

        Returns:
            `[layers, N, rank, h']` in the dtype of latents.
        """
        added = self.extras.offset is not None or self.extras.mean is not None
        return ops.fold_latents(self.latents, bias=self.bias is not None, added=added)
