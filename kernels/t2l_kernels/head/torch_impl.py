"""Library GEMMs for all layers and adapters; into slots without an intermediate where it can."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import linear

Extras = tuple[Tensor | None, Tensor | None, Tensor | None]


def head(latents: Tensor, weight: Tensor, bias: Tensor | None, extras: Extras) -> Tensor:
    """`[L, N, R, d]`, with autograd's graph."""
    rows, d, h = weight.shape
    if latents.shape[2] == 1:
        flat = None if bias is None else bias.reshape(-1)
        out = linear(latents[:, :, 0], weight.reshape(rows * d, h), flat).unflatten(-1, (rows, d))
    elif rows == 1:
        out = linear(latents, weight[0], None if bias is None else bias[0])
    else:
        out = torch.einsum("lnrh,rdh->lnrd", latents, weight)
        out = out if bias is None else out + bias
    return finish(out, tuple(None if e is None else e[:, None] for e in extras))


def finish(out: Tensor, extras: Extras) -> Tensor:
    """Add the offset, denormalise."""
    offset, mean, std = extras
    out = out if offset is None else out + offset
    out = out if std is None else out * std
    return out if mean is None else out + mean


def runs(slots: list[int]) -> Iterator[tuple[int, int]]:
    """(first, past) of neighbours whose slots follow each other; −1 belongs to none."""
    first = 0
    for i in range(1, len(slots) + 1):
        if i == len(slots) or slots[i] != slots[i - 1] + 1 or slots[first] < 0:
            if slots[first] >= 0:
                yield first, i
            first = i


def head_into_slots(
    latents: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    extras: Extras,
    slots: Tensor,
    out: Tensor,
) -> None:
    """A GEMM per layer, run of slots and group of rank rows, into the slab's own memory."""
    rows, d, _ = weight.shape
    rank = max(latents.shape[2], rows)
    live = out[:, :, :rank]
    direct = out.dtype == latents.dtype and all(e is None for e in extras)
    where = slots.tolist()
    for first, past in runs(where):
        target = live[:, where[first] : where[first] + past - first]
        part = latents[:, first:past]
        if not direct or past - first == 1 or not _into(part, weight, bias, target):
            kept: Extras = tuple(None if e is None else e[:, None] for e in extras)
            for layer in range(latents.shape[0]):
                one = slice(layer, layer + 1)
                made = head(part[one], weight, bias, (None, None, None))
                made = finish(made, tuple(None if e is None else e[one] for e in kept))
                target[layer] = made[0].to(out.dtype)


def _into(latents: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor) -> bool:
    """Write `target` `[L, n, R, d]` by GEMMs with `out=`; False where the layout forbids it."""
    rows, d, h = weight.shape
    rank = target.shape[2]
    if latents.shape[2] != 1 and rows == 1:
        if target.stride(1) != rank * d:
            return False  # a slab wider than the rank: rows of an adapter do not follow each other
        for x, y in zip(latents, target, strict=True):
            _gemm(x.flatten(0, 1), weight[0], None if bias is None else bias[0], y.flatten(0, 1))
        return True
    if latents.shape[2] != 1:
        return False
    whole = weight.stride(0) == d * h
    for x, y in zip(latents[:, :, 0], target, strict=True):
        if whole:
            flat = None if bias is None else bias.reshape(-1)
            _gemm(x, weight.view(rows * d, h), flat, y.flatten(1))
            continue
        for r in range(rows):
            _gemm(x, weight[r], None if bias is None else bias[r], y[:, r])
    return True


def _gemm(x: Tensor, weight: Tensor, bias: Tensor | None, out: Tensor) -> None:
    if bias is None:
        torch.mm(x, weight.T, out=out)
    else:
        torch.addmm(bias, x, weight.T, out=out)
