"""The oracle: one adapter, layer and rank row at a time, fp32 or fp64; autograd differentiates.

Arguments have the names and shapes of `t2l_kernels.heads.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor

from t2l_kernels.lora.reference import accumulator


def row(
    latents: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    extras: tuple[Tensor | None, Tensor | None, Tensor | None],
    where: tuple[int, int, int],
) -> Tensor:
    """Compute `(W h + bias + offset) · std + mean` of (layer, adapter, rank row), `[d]`."""
    layer, adapter, r = where
    wide = accumulator(latents.dtype)
    h = latents[layer, adapter, min(r, latents.shape[2] - 1)].to(wide)
    part = min(r, weight.shape[0] - 1)
    out = (weight[part].to(wide) * h).sum(-1)
    offset, mean, std = (None if e is None else e[layer, r].to(wide) for e in extras)
    if bias is not None:
        out = out + bias[part].to(wide)
    if offset is not None:
        out = out + offset
    if std is not None:
        out = out * std
    return out if mean is None else out + mean


def head(
    latents: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    extras: tuple[Tensor | None, Tensor | None, Tensor | None],
) -> Tensor:
    """Compute `[L, N, R, d]` row by row, in the dtype of latents."""
    layers, adapters, _, _ = latents.shape
    rank = max(latents.shape[2], weight.shape[0])
    out = latents.new_empty((layers, adapters, rank, weight.shape[1]))
    rows = [
        row(latents, weight, bias, extras, (layer, adapter, r))
        for layer in range(layers)
        for adapter in range(adapters)
        for r in range(rank)
    ]
    return torch.stack(rows).view(out.shape).to(latents.dtype) if rows else out


def head_into_slots(
    latents: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    extras: tuple[Tensor | None, Tensor | None, Tensor | None],
    slots: Tensor,
    out: Tensor,
) -> None:
    """Write the rows of every adapter whose slot is not −1 into the slab."""
    layers = latents.shape[0]
    rank = max(latents.shape[2], weight.shape[0])
    for adapter, slot in enumerate(slots.tolist()):
        for layer in range(layers if slot >= 0 else 0):
            for r in range(rank):
                out[layer, slot, r] = row(latents, weight, bias, extras, (layer, adapter, r))
