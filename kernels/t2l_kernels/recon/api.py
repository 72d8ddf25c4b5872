"""Public functions: check the arguments, choose the implementation, call it."""

import torch
from torch import Tensor

from t2l_kernels._core.checks import ArgumentError, check_device, check_dtype, check_shape
from t2l_kernels._core.impl import Impl, resolve_impl
from t2l_kernels.recon import reference
from t2l_kernels.recon.autograd import LowrankL1, LowrankL2


def lowrank_l1(
    a_hat: Tensor,
    b_hat: Tensor,
    a: Tensor,
    b: Tensor,
    *,
    scale: float = 1.0,
    impl: Impl = "auto",
) -> Tensor:
    """Return `mean |B̂ᵀÂ − scale · BᵀA|` over batch, out and in, without forming it whole.

    Differentiable in a_hat and b_hat.

    Text-to-LoRA's reconstruction loss (Charakorn et al. 2025, §3.1) for adapters whose rows are
    rank-major. First order; where the difference is exactly zero the gradient is zero. `[out, in]`
    exists one tile at a time, and backward forms the tiles again.

    Args:
        a_hat: `[…, r, in]`, any float dtype; the same batch dimensions, or none, in all four.
        b_hat: `[…, r, out]`, dtype of `a_hat`, as are the next two.
        a: `[…, R, in]`, the target; not differentiated.
        b: `[…, R, out]`, the target; not differentiated.
        scale: of the target.
        impl: "auto", "triton", "torch" or "reference"; an explicit choice never falls back.
            "reference" forms the whole difference.

    Returns:
        A scalar in fp32, in fp64 for fp64 inputs.

    Raises:
        ArgumentError: a shape, dtype or device does not fit, a dimension is empty, `scale` is no
            number, or a target requires grad.
    """
    chosen = _check(a_hat, b_hat, a, b, scale, impl)
    if chosen == "reference":
        return reference.lowrank_l1(a_hat, b_hat, a, b, scale)
    return LowrankL1.apply(a_hat, b_hat, a, b, float(scale), chosen)


def lowrank_l2(
    a_hat: Tensor,
    b_hat: Tensor,
    a: Tensor,
    b: Tensor,
    *,
    scale: float = 1.0,
    impl: Impl = "auto",
) -> Tensor:
    """Return `mean (B̂ᵀÂ − scale · BᵀA)²` over batch, out and in, without forming it.

    Differentiable in a_hat and b_hat.

    From rank × rank Grams in fp64: `[out, in]` is never formed, and the loss is never negative. Its
    error is about 1e-15 of `mean (B̂ᵀÂ)² + mean (scale · BᵀA)²`, however small the loss.

    Args:
        a_hat: `[…, r, in]`, as for `lowrank_l1`, like the other arguments.
        b_hat: `[…, r, out]`.
        a: `[…, R, in]`.
        b: `[…, R, out]`.
        scale: of the target.
        impl: as for `lowrank_l1`; "triton" runs what "torch" does, Grams being library GEMMs.

    Returns:
        A scalar in fp32, in fp64 for fp64 inputs.

    Raises:
        ArgumentError: as for `lowrank_l1`.
    """
    chosen = _check(a_hat, b_hat, a, b, scale, impl)
    if chosen == "reference":
        return reference.lowrank_l2(a_hat, b_hat, a, b, scale)
    return LowrankL2.apply(a_hat, b_hat, a, b, float(scale))


def _check(a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor, scale: float, impl: str) -> str:
    """The implementation to run, once the arguments fit together."""
    if a_hat.dim() < 2:
        check_shape("a_hat", a_hat, "[…, rank, in_features]", (None, None))
    *batch, rank, width = a_hat.shape
    check_shape("b_hat", b_hat, "[…, rank, out_features]", (*batch, rank, None))
    check_shape("a", a, "[…, target_rank, in_features]", (*batch, None, width))
    target_rank = a.shape[-2]
    shape = (*batch, target_rank, b_hat.shape[-1])
    check_shape("b", b, "[…, target_rank, out_features]", shape)
    if not a_hat.dtype.is_floating_point:
        check_dtype("a_hat", a_hat, torch.float32, torch.bfloat16, torch.float16, torch.float64)
    for name, tensor in (("a_hat", a_hat), ("b_hat", b_hat), ("a", a), ("b", b)):
        check_dtype(name, tensor, a_hat.dtype, why=" like a_hat")
        check_device(name, tensor, a_hat.device, "a_hat")
        if tensor.numel() == 0:
            raise ArgumentError(
                f"{name} must have no empty dimension, as a mean needs elements, got shape "
                f"{tuple(tensor.shape)}"
            )
    for name, tensor in (("a", a), ("b", b)):
        if torch.is_grad_enabled() and tensor.requires_grad:
            raise ArgumentError(
                f"{name} must not require grad, since only a_hat and b_hat are differentiated, got "
                f"one that does: call {name}.detach()"
            )
    if not isinstance(scale, (int, float)):
        raise ArgumentError(f"scale must be a number, got {type(scale).__name__}")
    return resolve_impl(impl, a_hat.device, a_hat.dtype, max(rank, target_rank))


__all__ = ["lowrank_l1", "lowrank_l2"]
