"""Public functions: check the arguments, choose the implementation, call it."""

import torch
from torch import Tensor

from t2l_kernels._core.checks import (
    ArgumentError,
    check_device,
    check_dtype,
    check_no_grad,
    check_shape,
)
from t2l_kernels._core.impl import Impl, resolve_impl
from t2l_kernels.heads import library, reference, torch_impl


def head(
    latents: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    offset: Tensor | None = None,
    mean: Tensor | None = None,
    std: Tensor | None = None,
    impl: Impl = "auto",
) -> Tensor:
    """Return LoRA rows of latents: `(W h + bias + offset) · std + mean`; differentiable.

    These are Text-to-LoRA's heads (Charakorn et al. 2025, appendix), one call for A and one for B.
    L and M give a weight row per rank row. S gives one weight, and latents that carry the rank.

    Args:
        latents: `[L, N, 1 | R, h]`: layers, adapters.
        weight: `[1 | R, d, h]`, dtype of latents.
        bias: `[1 | R, d]`, as weight, or None.
        offset: `[L, R, d]`, dtype of latents, added per layer (SFT's AB offset), or None.
        mean: as offset; with std it undoes z-scores (reconstruction training).
        std: as offset.
        impl: "auto", "torch" (library GEMMs, on any device) or "reference".

    Returns:
        `[L, N, R, d]` in the dtype of latents.

    Raises:
        ArgumentError: a shape, dtype or device does not fit.
    """
    _check(latents, weight, bias, {"offset": offset, "mean": mean, "std": std})
    if resolve_impl(impl, latents.device) == "reference":
        return reference.head(latents, weight, bias, (offset, mean, std))
    return torch_impl.head(latents, weight, bias, (offset, mean, std))


def head_into_slots(
    latents: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    slots: Tensor,
    out: Tensor,
    offset: Tensor | None = None,
    mean: Tensor | None = None,
    std: Tensor | None = None,
    impl: Impl = "auto",
) -> None:
    """Write `head`, cast, into rows `[:, slots, :R]` of a slab; for inference.

    Args:
        latents: as in `head`; likewise weight, bias, offset, mean and std.
        slots: `[N]` integers, all different; −1 skips that adapter.
        out: `[L, S, R_max, d]`, any float dtype; rows beyond R and other slots keep their bits.
        impl: "auto", "triton", "torch" or "reference"; an explicit choice never falls back.

    Raises:
        ArgumentError: a shape, dtype, device or slot does not fit, or an input requires grad.
    """
    rank = _check(latents, weight, bias, {"offset": offset, "mean": mean, "std": std})
    layers, adapters, width = latents.shape[0], latents.shape[1], weight.shape[1]
    check_shape("slots", slots, "[adapters]", (adapters,))
    check_shape("out", out, "[layers, slots, rank_max, d]", (layers, None, None, width))
    check_device("out", out, latents.device, "latents")
    if out.shape[2] < rank:
        raise ArgumentError(f"out must hold rank {rank}, got room for {out.shape[2]} rows")
    check_dtype("slots", slots, torch.int32, torch.int64)
    check_no_grad("head_into_slots", latents, weight, bias, offset, mean, std)
    chosen = resolve_impl(impl, out.device, latents.dtype, rank)
    library.head_into_slots(latents, weight, bias, offset, mean, std, slots, out, chosen)


def _check(
    latents: Tensor, weight: Tensor, bias: Tensor | None, extras: dict[str, Tensor | None]
) -> int:
    check_shape("latents", latents, "[layers, adapters, 1 or rank, h]", (None,) * 4)
    check_shape("weight", weight, "[1 or rank, d, h]", (None, None, latents.shape[3]))
    rank = max(latents.shape[2], weight.shape[0])
    for name, size in (("latents", latents.shape[2]), ("weight", weight.shape[0])):
        if size not in (1, rank):
            raise ArgumentError(f"{name} must have 1 or {rank} rank rows, got {size}")
    check_dtype("weight", weight, latents.dtype, why=" like latents")
    check_device("weight", weight, latents.device, "latents")
    if bias is not None:
        check_shape("bias", bias, "[rank rows of weight, d]", tuple(weight.shape[:2]))
        check_dtype("bias", bias, latents.dtype, why=" like latents")
        check_device("bias", bias, latents.device, "latents")
    for name, extra in extras.items():
        if extra is not None:
            check_shape(name, extra, "[layers, rank, d]", (latents.shape[0], rank, weight.shape[1]))
            check_dtype(name, extra, latents.dtype, why=" like latents")
            check_device(name, extra, latents.device, "latents")
    return rank
