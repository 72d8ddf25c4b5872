"""GeneratorCost: the arithmetic of one call of a generator, by formula."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GeneratorCost:
    """Matmuls of one call for N codes, and what it writes.

    Fields:
        first: multiply-adds on codes, whose gradients nothing needs.
        inner: multiply-adds whose inputs and weights have gradients.
        untrained: multiply-adds without a backward pass, as a codebook's update.
        numbers: of A and B that are written, over all N.
        parameters: that are trained.
    """

    first: int
    inner: int
    untrained: int
    numbers: int
    parameters: int

    @property
    def forward_flops(self) -> int:
        """FLOPs of matmuls, two a multiply-add."""
        return 2 * (self.first + self.inner + self.untrained)

    @property
    def backward_flops(self) -> int:
        """FLOPs of the matmuls of all gradients; none reach codes."""
        return 2 * (self.first + 2 * self.inner)
