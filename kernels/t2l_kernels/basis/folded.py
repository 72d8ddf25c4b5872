"""Heads as shared bases: what `ops.basis_lora` reads instead of the rows that a head would make.

`W z + bias + offset[r] + mean[r]` is linear in `[z, 1, e_r]`, so all rows of all adapters lie in
the span of h + 1 + R shared rows. An elementwise std per rank row has no such form.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from t2l_kernels._core.checks import ArgumentError, check_device, check_dtype, check_shape

ALIGNMENT = 16
"""Hidden sizes are padded to a multiple of it, so that kernels load vectors."""


def fold_head(
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    offset: Tensor | None = None,
    mean: Tensor | None = None,
    std: Tensor | None = None,
) -> Tensor:
    """Return the basis of a head whose latents carry the rank (architecture S); differentiable.

    `fold_latents(latents) @ basis` are the rows that `ops.head` makes.

    Args:
        weight: `[1, d, h]`.
        bias: `[1, d]` or None.
        offset: `[L, R, d]` or None, as in `ops.head`; likewise mean.
        std: must be None.

    Returns:
        `[1 | L, h', d]`: the weight's columns, the bias, R rows of what is added to a layer, and
        zeros up to a multiple of 16. L bases where layers differ.

    Raises:
        ArgumentError: std is given, or a shape, dtype or device does not fit.
    """
    check_shape("weight", weight, "[1, d, h]", (1, None, None))
    if std is not None:
        raise ArgumentError(
            "std must be None: rows that are scaled element by element share no basis, got a "
            "tensor: materialise such adapters"
        )
    width = weight.shape[1]
    added = {n: e for n, e in (("offset", offset), ("mean", mean)) if e is not None}
    shape = next((e.shape[:2] for e in added.values()), (None, None))
    for name, extra in added.items():
        check_shape(name, extra, "[layers, rank, d]", (*shape, width))
    if bias is not None:
        check_shape("bias", bias, "[1, d]", (1, width))
    for name, extra in (added | {"bias": bias}).items():
        if extra is not None:
            check_dtype(name, extra, weight.dtype, why=" like weight")
            check_device(name, extra, weight.device, "weight")
    rows = [weight.mT]  # [1, h, d]
    if bias is not None:
        rows.append(bias[:, None])
    if added:
        rows.append(torch.stack(list(added.values())).sum(0))
    layers = rows[-1].shape[0]
    basis = torch.cat([row.expand(layers, -1, -1) for row in rows], dim=1)
    return pad(basis, (0, 0, 0, -basis.shape[1] % ALIGNMENT))


def fold_latents(latents: Tensor, *, bias: bool = False, added: bool = False) -> Tensor:
    """Return the cores over a folded head: latents, a one for its bias, unit vectors.

    Args:
        latents: `[L, N, R, h]`.
        bias: the head was folded with a bias.
        added: it was folded with an offset or a mean.

    Returns:
        `[L, N, R, h']`.
    """
    check_shape("latents", latents, "[layers, adapters, rank, h]", (None,) * 4)
    layers, adapters, rank, _ = latents.shape
    parts = [latents]
    if bias:
        parts.append(latents.new_ones(()).expand(layers, adapters, rank, 1))
    if added:
        unit = torch.eye(rank, dtype=latents.dtype, device=latents.device)
        parts.append(unit.expand(layers, adapters, -1, -1))
    cores = torch.cat(parts, dim=-1)
    return pad(cores, (0, -cores.shape[-1] % ALIGNMENT))
