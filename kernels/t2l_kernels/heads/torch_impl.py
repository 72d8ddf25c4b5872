"""Library GEMMs for all layers and adapters at once; into slots by way of a tile in the cache.

Arguments have the names and shapes of `t2l_kernels.heads.api`, unless a docstring says otherwise.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import linear

_TILE_BYTES = 8 << 20
"""A product that is still in the cache when it is copied to its slots."""

Extras = tuple[Tensor | None, Tensor | None, Tensor | None]


def head(latents: Tensor, weight: Tensor, bias: Tensor | None, extras: Extras) -> Tensor:
    """Compute `[L, N, R, d]` by library GEMMs, with autograd's graph."""
    rows, d, h = weight.shape
    if latents.shape[2] == 1:
        flat = None if bias is None else bias.reshape(-1)
        out = linear(latents[:, :, 0], weight.reshape(rows * d, h), flat).unflatten(-1, (rows, d))
    elif rows == 1:
        out = linear(latents, weight[0], None if bias is None else bias[0])
    else:
        out = torch.einsum("lnrh,rdh->lnrd", latents, weight)
        out = out if bias is None else out + bias
    offset, mean, std = (None if e is None else e[:, None] for e in extras)
    return finish(out, (offset, mean, std))


def finish(out: Tensor, extras: Extras) -> Tensor:
    """Add the offset, denormalise."""
    offset, mean, std = extras
    out = out if offset is None else out + offset
    out = out if std is None else out * std
    return out if mean is None else out + mean


def head_into_slots(
    latents: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    extras: Extras,
    slots: Tensor,
    out: Tensor,
) -> None:
    """Compute a GEMM of all layers and adapters per rank row and tile of columns, then copy it.

    Writing into the slab by `out=` would take a GEMM per layer: on CPUs those are half as fast.
    """
    latent_rows, parts = latents.shape[2], weight.shape[0]
    numbers = slots.tolist()
    live = [n for n, slot in enumerate(numbers) if slot >= 0]
    if not live:
        return
    where = _index([numbers[n] for n in live])
    latents = latents[:, _index(live)]
    for part in range(parts):
        whole = latent_rows > parts  # one weight for all rank rows
        own = latents if whole else latents[:, :, min(part, latent_rows - 1)]
        ranks = slice(latent_rows) if whole else part
        x = own.flatten(0, -2)
        for columns in _tiles(x.shape[0], weight):
            tile_bias = None if bias is None else bias[part, columns]
            product = _product(x, weight[part, columns], tile_bias)
            product = product.view(*own.shape[:-1], -1)
            offset, mean, std = (None if e is None else e[:, None, ranks, columns] for e in extras)
            out[:, where, ranks, columns] = finish(product, (offset, mean, std)).to(out.dtype)


def _index(numbers: list[int]) -> slice | list[int]:
    """A slice where numbers follow each other: views instead of gathers."""
    first, past = numbers[0], numbers[0] + len(numbers)
    return slice(first, past) if numbers == list(range(first, past)) else numbers


def _tiles(rows: int, weight: Tensor) -> Iterator[slice]:
    width = weight.shape[1]
    step = max(256, _TILE_BYTES // (rows * weight.element_size()))
    for first in range(0, width, step):
        yield slice(first, min(first + step, width))


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.mm(x, weight.T) if bias is None else torch.addmm(bias, x, weight.T)
