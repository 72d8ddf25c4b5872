"""L1 by tiles of the difference, L2 by Grams: what is held at once does not grow with the batch.

Matmuls are in place: those keep their dtype under autocast. With so few columns to sum over, MKL
takes half as long for `zero_` and an update as for a fresh product.

Arguments have the names and shapes of `t2l_kernels.recon.api`, unless a docstring says otherwise.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from t2l_kernels._core.shapes import flat
from t2l_kernels.lora.reference import accumulator

_TILE_BYTES = 4 << 20
"""A tile of the difference: still in the last cache, and few enough calls for busy cores."""

_WIDE_BYTES = 4 << 20
"""Adapters held in fp64 at once."""

Factors = tuple[Tensor, Tensor, Tensor, Tensor]
"""a_hat, b_hat, a and b."""


def numel(factors: Factors) -> int:
    """Count the elements of the difference."""
    a_hat, b_hat, *_ = factors
    return a_hat.shape[:-2].numel() * a_hat.shape[-1] * b_hat.shape[-1]


def empty_grads(factors: Factors, needs: tuple[bool, bool]) -> tuple[Tensor, Tensor]:
    """Allocate gradients of a_hat and b_hat; an empty tensor where none is needed."""
    a, b = (
        torch.empty_like(t, memory_format=torch.contiguous_format) if need else t.new_empty(0)
        for t, need in zip(factors[:2], needs, strict=True)
    )
    return a, b


def l1(factors: Factors, scale: float) -> Tensor:
    """Compute the L1 loss tile by tile, a scalar."""
    total = factors[0].new_zeros((), dtype=torch.float64)
    for _, chunk, buffer in _chunks(factors):
        for _, tile in _tiles(chunk, buffer, scale):
            total += tile.abs_().sum()
    return (total / numel(factors)).to(accumulator(factors[0].dtype))


def l1_backward(
    grad: Tensor, factors: Factors, scale: float, needs: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """Compute dÂ = B̂ G and dB̂ = Â Gᵀ tile by tile, G = sign(difference) · grad / numel."""
    grads = empty_grads(factors, needs)
    factor = grad / numel(factors)
    for entries, chunk, buffer in _chunks(factors):
        a_hat, b_hat, *_ = chunk
        sums = torch.zeros_like(a_hat), torch.zeros_like(b_hat)
        for rows, tile in _tiles(chunk, buffer, scale):
            torch.sign(tile, out=tile)
            if needs[0]:
                sums[0].baddbmm_(b_hat[..., rows], tile)
            if needs[1]:
                sums[1][..., rows].baddbmm_(a_hat, tile.mT)
        for need, target, summed in zip(needs, grads, sums, strict=True):
            if need:
                flat(target, 2)[entries] = summed.mul_(factor)
    return grads


def l2(factors: Factors, scale: float) -> tuple[Tensor, Tensor]:
    """Return the loss, and Â[Âᵀ, Aᵀ] and B̂[B̂ᵀ, Bᵀ], `[2, n, r, r + R]` fp64, for backward.

    ‖B̂ᵀÂ − c BᵀA‖² = <B̂B̂ᵀ, ÂÂᵀ> − 2c <B̂Bᵀ, ÂAᵀ> + c² <BBᵀ, AAᵀ>, elementwise products summed.
    """
    a_hat, _, a, _ = factors
    n, rank, both = a_hat.shape[:-2].numel(), a_hat.shape[-2], a_hat.shape[-2] + a.shape[-2]
    grams = a_hat.new_empty((2, n, rank, both), dtype=torch.float64)
    total = a_hat.new_zeros((), dtype=torch.float64)
    for entries, (a_hat, b_hat, a, b) in _wide_chunks(*factors):
        # a call per pair: of equal operands equal bits, so that equal adapters give exactly zero
        pairs = ((a_hat, a_hat), (a_hat, a), (a, a)), ((b_hat, b_hat), (b_hat, b), (b, b))
        of_a, of_b = ([left @ right.mT for left, right in side] for side in pairs)
        mine, cross, target = ((x * y).sum() for x, y in zip(of_a, of_b, strict=True))
        total += mine - 2 * scale * cross + scale**2 * target
        for side, grams_of in enumerate((of_a, of_b)):
            torch.cat(grams_of[:2], -1, out=grams[side, entries])
    loss = (total.clamp(min=0) / numel(factors)).to(accumulator(factors[0].dtype))
    return loss, grams


def l2_backward(
    grad: Tensor,
    factors: Factors,
    grams: Tensor,
    scale: float,
    needs: tuple[bool, bool],
) -> tuple[Tensor, Tensor]:
    """Compute dÂ = f (B̂B̂ᵀ Â − scale · B̂Bᵀ A) and dB̂ = f (ÂÂᵀ B̂ − …), f = 2 · grad / numel."""
    grads = empty_grads(factors, needs)
    factor = 2 * grad.double() / numel(factors)
    sides = zip(needs, grads, factors[:2], factors[2:], reversed(grams.unbind()), strict=True)
    for need, grad_of, hat, target, across in sides:
        # the third is for what the first gives
        for entries, wide in _wide_chunks(hat, target, hat) if need else ():
            mine, cross = across[entries].split((hat.shape[-2], target.shape[-2]), -1)
            part = torch.bmm(mine, wide[0], out=wide[2])
            # scaled last: of equal operands the difference is exactly zero
            part.sub_(torch.bmm(cross, wide[1], out=wide[0]), alpha=scale)
            flat(grad_of, 2)[entries] = part.mul_(factor)
    return grads


def _slices(total: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, total)) for start in range(0, total, step))


def _wide_chunks(*tensors: Tensor) -> Iterator[tuple[slice, list[Tensor]]]:
    """Batch entries in fp64, at least one, in the same memory each time (see `_chunks`)."""
    n, entry = tensors[0].shape[:-2].numel(), sum(8 * t.shape[-2:].numel() for t in tensors)
    step = min(n, max(1, _WIDE_BYTES // entry))
    buffers = [t.new_empty((step, *t.shape[-2:]), dtype=torch.float64) for t in tensors]
    for entries in _slices(n, step):
        pairs = zip(buffers, tensors, strict=True)
        count = entries.stop - entries.start
        yield entries, [buffer[:count].copy_(flat(t, 2)[entries]) for buffer, t in pairs]


def _chunks(factors: Factors) -> Iterator[tuple[slice, Factors, Tensor]]:
    """Batch entries, as many as one tile holds and at least one, in fp32 or fp64; and a tile.

    The tile is one for all: allocated anew, it would leave holes in the heap that stay resident.
    """
    a_hat, b_hat, *_ = factors
    n, width, length = a_hat.shape[:-2].numel(), a_hat.shape[-1], b_hat.shape[-1]
    wide = accumulator(a_hat.dtype)
    size = _TILE_BYTES // wide.itemsize
    step = min(n, max(1, size // (width * length)))
    rows = min(length, max(1, size // (step * width)))
    buffer = a_hat.new_empty((step, rows, width), dtype=wide)
    for entries in _slices(n, step):
        a_hat, b_hat, a, b = (flat(t, 2)[entries].to(wide) for t in factors)
        yield entries, (a_hat, b_hat, a, b), buffer[: entries.stop - entries.start]


def _tiles(chunk: Factors, buffer: Tensor, scale: float) -> Iterator[tuple[slice, Tensor]]:
    """Rows of the difference in turn, `[entries, rows, in]`, written to the buffer."""
    a_hat, b_hat, a, b = chunk
    for rows in _slices(b_hat.shape[-1], buffer.shape[1]):
        tile = buffer[:, : rows.stop - rows.start].zero_()
        tile.baddbmm_(b_hat[..., rows].mT, a_hat)
        yield rows, tile.baddbmm_(b[..., rows].mT, a, alpha=-scale)
