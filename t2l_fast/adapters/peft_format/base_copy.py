"""BaseCopy: what a file's copy of a frozen base weight is compared by, without the copy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_ROUNDINGS = 4.0
"""Tolerance in units of the coarser dtype's rounding, relative to the row's norm."""


@dataclass(frozen=True)
class BaseCopy:
    """A number per row: its product with one random sign vector. A changed row changes it.

    Each number of a bias is a row of its own.

    Fields:
        shape: of the copy.
        projections: `[rows]` fp64.
        eps: rounding of the copy's dtype.
    """

    shape: tuple[int, ...]
    projections: Tensor
    eps: float

    @classmethod
    def of(cls, tensor: Tensor) -> BaseCopy:
        """Return what a float tensor `[rows, …]` is compared by."""
        projections, _ = _project(tensor)
        return cls(tuple(tensor.shape), projections, torch.finfo(tensor.dtype).eps)

    def equals(self, tensor: Tensor) -> bool:
        """Return whether a base weight is what was copied, up to the rounding of either dtype."""
        if tuple(tensor.shape) != self.shape or not tensor.is_floating_point():
            return False
        projections, norms = _project(tensor)
        eps = max(self.eps, torch.finfo(tensor.dtype).eps)
        return bool(((projections - self.projections).abs() <= _ROUNDINGS * eps * norms).all())


def _project(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """Return each row's product with the sign vector, and its norm, `[rows]` fp64."""
    rows = tensor.detach().to("cpu").reshape(tensor.shape[0] if tensor.dim() else 1, -1)
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, (rows.shape[1],), generator=generator).double().mul_(2).sub_(1)
    parts = [(chunk.double() @ signs, chunk.double().norm(dim=1)) for chunk in rows.split(4096)]
    projections, norms = (torch.cat(part) for part in zip(*parts, strict=True))
    return projections, norms
