"""The oracle: the whole difference, one batch entry after the other. Differentiable by autograd.

Arguments have the names and shapes of `t2l_kernels.recon.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor

from t2l_kernels.lora.reference import accumulator


def difference(a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Compute `B̂ᵀÂ − scale · BᵀA`, shape `[n, out, in]`, fp32 or fp64."""
    wide = accumulator(a_hat.dtype)
    factors = (t.flatten(0, -3).to(wide) if t.dim() > 2 else t[None].to(wide)
               for t in (a_hat, b_hat, a, b))  # fmt: skip
    return torch.stack(
        [hat_b.T @ hat_a - scale * (tgt_b.T @ tgt_a)
         for hat_a, hat_b, tgt_a, tgt_b in zip(*factors, strict=True)]
    )  # fmt: skip


def lowrank_l1(a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Compute the mean absolute difference from the whole difference."""
    return difference(a_hat, b_hat, a, b, scale).abs().mean()


def lowrank_l2(a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Compute the mean squared difference from the whole difference."""
    return difference(a_hat, b_hat, a, b, scale).square().mean()
