"""Triton kernels of the L1 loss and its gradients, over tiles of the difference.

"own" is the side a program has columns of, "other" the side it walks along. They are in and out for
the loss and a_hat's gradient, out and in for b_hat's. Lanes beyond a width load zeros, whose
difference is zero and has no sign. Every sum runs in one fixed order, in the `mma` family.
"""

import triton
import triton.language as tl


@triton.jit
def _columns(
    ptr,  # [n, RANK, width]
    entry,
    at,
    width,
    RANK: tl.constexpr,
    BLOCK_R: tl.constexpr,
    EVEN: tl.constexpr,
    UPCAST: tl.constexpr,
):
    """`[BLOCK_R, len(at)]` of one batch entry, zeros beyond RANK and width."""
    r = tl.arange(0, BLOCK_R)
    mask = (r < RANK)[:, None]
    if not EVEN:
        mask = mask & (at < width)[None, :]
    rows = (entry.to(tl.int64) * RANK + r[:, None]) * width
    columns = tl.load(ptr + rows + at[None, :], mask=mask, other=0.0)
    if UPCAST:
        columns = columns.to(tl.float32)
    return columns


@triton.jit
def _difference(own_hat, own, other_hat, other, scale):
    """`[BLOCK_D, BLOCK_L]`: two sums, so that equal operands cancel exactly when scale is 1."""
    mine = tl.dot(own_hat, other_hat, input_precision="ieee")
    return mine - scale * tl.dot(own, other, input_precision="ieee")


@triton.jit
def lowrank_l1_kernel(
    own_hat_ptr,  # [n, RANK, width]
    own_ptr,  # [n, TARGET_RANK, width]
    other_hat_ptr,  # [n, RANK, length]
    other_ptr,  # [n, TARGET_RANK, length]
    sums_ptr,  # [programs] fp32: a sum of absolute differences each
    scale,
    width,
    length,
    RANK: tl.constexpr,
    TARGET_RANK: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_L: tl.constexpr,
    BLOCK_R: tl.constexpr,
    BLOCK_T: tl.constexpr,
    EVEN_D: tl.constexpr,
    EVEN_L: tl.constexpr,
    UPCAST: tl.constexpr,
):
    """Sum |B̂ᵀÂ − scale · BᵀA| over the columns of one program."""
    program = tl.program_id(0)
    groups = tl.cdiv(width, BLOCK_D)
    entry = program // groups
    d = (program % groups) * BLOCK_D + tl.arange(0, BLOCK_D)
    ls = tl.arange(0, BLOCK_L)
    own_hat = tl.trans(_columns(own_hat_ptr, entry, d, width, RANK, BLOCK_R, EVEN_D, UPCAST))
    own = tl.trans(_columns(own_ptr, entry, d, width, TARGET_RANK, BLOCK_T, EVEN_D, UPCAST))
    acc = tl.zeros((BLOCK_D, BLOCK_L), dtype=tl.float32)
    for start in range(0, length, BLOCK_L):
        at = start + ls
        other_hat = _columns(other_hat_ptr, entry, at, length, RANK, BLOCK_R, EVEN_L, UPCAST)
        other = _columns(other_ptr, entry, at, length, TARGET_RANK, BLOCK_T, EVEN_L, UPCAST)
        acc += tl.abs(_difference(own_hat, own, other_hat, other, scale))
    tl.store(sums_ptr + program, tl.sum(acc))


@triton.jit
def lowrank_l1_grad_kernel(
    own_hat_ptr,  # [n, RANK, width]
    own_ptr,  # [n, TARGET_RANK, width]
    other_hat_ptr,  # [n, RANK, length]
    other_ptr,  # [n, TARGET_RANK, length]
    factor_ptr,  # fp32: gradient of the loss over the number of elements
    grad_ptr,  # [n, RANK, width], of own_hat
    scale,
    width,
    length,
    RANK: tl.constexpr,
    TARGET_RANK: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_L: tl.constexpr,
    BLOCK_R: tl.constexpr,
    BLOCK_T: tl.constexpr,
    EVEN_D: tl.constexpr,
    EVEN_L: tl.constexpr,
    UPCAST: tl.constexpr,
):
    """Compute the gradient of the columns of own_hat that one program has."""
    program = tl.program_id(0)
    groups = tl.cdiv(width, BLOCK_D)
    entry = program // groups
    d = (program % groups) * BLOCK_D + tl.arange(0, BLOCK_D)
    ls = tl.arange(0, BLOCK_L)
    own_hat = tl.trans(_columns(own_hat_ptr, entry, d, width, RANK, BLOCK_R, EVEN_D, UPCAST))
    own = tl.trans(_columns(own_ptr, entry, d, width, TARGET_RANK, BLOCK_T, EVEN_D, UPCAST))
    acc = tl.zeros((BLOCK_D, BLOCK_R), dtype=tl.float32)
    for start in range(0, length, BLOCK_L):
        at = start + ls
        other_hat = _columns(other_hat_ptr, entry, at, length, RANK, BLOCK_R, EVEN_L, UPCAST)
        other = _columns(other_ptr, entry, at, length, TARGET_RANK, BLOCK_T, EVEN_L, UPCAST)
        diff = _difference(own_hat, own, other_hat, other, scale)
        # neither larger nor smaller: 0 or NaN, which stay themselves
        sign = tl.where(diff > 0, 1.0, tl.where(diff < 0, -1.0, diff)).to(other_hat.dtype)
        acc = tl.dot(sign, tl.trans(other_hat), acc, input_precision="ieee")
    r = tl.arange(0, BLOCK_R)
    grad = (acc * tl.load(factor_ptr)).to(grad_ptr.dtype.element_ty)
    mask = (r < RANK)[None, :]
    if not EVEN_D:
        mask = mask & (d < width)[:, None]
    rows = (entry.to(tl.int64) * RANK + r[None, :]) * width
    tl.store(grad_ptr + rows + d[:, None], grad, mask=mask)
