"""Launches of the L1 kernels: plans, grids and outputs; nothing here waits for the device.

Arguments have the names and shapes of `t2l_kernels.recon.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor

from t2l_kernels._core.arch import DTYPES, MAX_RANK, arch_of, launch_options
from t2l_kernels._core.checks import ArgumentError, check_dtype
from t2l_kernels._core.shapes import flat
from t2l_kernels.recon.kernel import lowrank_l1_grad_kernel, lowrank_l1_kernel
from t2l_kernels.recon.plans import l1_plan
from t2l_kernels.recon.torch_impl import Factors, empty_grads, numel


def l1(factors: Factors, scale: float) -> Tensor:
    """Return `mean |B̂ᵀÂ − scale · BᵀA|`, a scalar in fp32.

    Args:
        factors: a_hat `[…, r, in]`, b_hat `[…, r, out]`, a `[…, R, in]`, b `[…, R, out]`.
    """
    a_hat, b_hat, a, b = _flat(factors)
    sums = torch.empty(_programs(a_hat, b_hat, a), dtype=torch.float32, device=a_hat.device)
    _launch(lowrank_l1_kernel, (a_hat, a, b_hat, b, sums), scale)
    return (sums.sum(dtype=torch.float64) / numel(factors)).float()


def l1_backward(
    grad: Tensor, factors: Factors, scale: float, needs: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """Return gradients of a_hat and b_hat; an empty tensor where none is needed."""
    a_hat, b_hat, a, b = _flat(factors)
    grads = empty_grads(factors, needs)
    factor = grad.float() / numel(factors)
    if needs[0]:
        _launch(lowrank_l1_grad_kernel, (a_hat, a, b_hat, b, factor, grads[0]), scale)
    if needs[1]:
        _launch(lowrank_l1_grad_kernel, (b_hat, b, a_hat, a, factor, grads[1]), scale)
    return grads


def _launch(kernel, tensors: tuple[Tensor, ...], scale: float) -> None:
    own_hat, own, other_hat = tensors[:3]
    _, rank, width = own_hat.shape
    length, target_rank = other_hat.shape[2], own.shape[1]
    arch = arch_of(own_hat.device)
    plan = l1_plan(width, length, rank, target_rank, own_hat.dtype, arch)
    with torch.cuda.device_of(own_hat):
        kernel[(_programs(own_hat, other_hat, own),)](
            *tensors,
            scale,
            width,
            length,
            # the interpreter's dot is silently wrong on bf16
            UPCAST=own_hat.dtype == torch.bfloat16 and own_hat.device.type == "cpu",
            **plan.constants(width, length, rank, target_rank),
            **launch_options(arch),
        )


def _programs(own_hat: Tensor, other_hat: Tensor, own: Tensor) -> int:
    n, rank, width = own_hat.shape
    arch = arch_of(own_hat.device)
    plan = l1_plan(width, other_hat.shape[2], rank, own.shape[1], own_hat.dtype, arch)
    return n * -(-width // plan.block_d)


def _flat(factors: Factors) -> tuple[Tensor, ...]:
    a_hat, _, a, _ = factors
    check_dtype("a_hat, b_hat, a and b", a_hat, *DTYPES, why=" for impl='triton'")
    for name, rank in (("a_hat and b_hat", a_hat.shape[-2]), ("a and b", a.shape[-2])):
        if rank > MAX_RANK:
            raise ArgumentError(
                f"{name} must have a rank from 1 to {MAX_RANK} for impl='triton', got "
                f"{rank}: pass impl='torch'"
            )
    return tuple(flat(t, 2).contiguous() for t in factors)
