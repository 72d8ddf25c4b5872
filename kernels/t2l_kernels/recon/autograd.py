"""Autograd boundaries of the reconstruction losses: they save references, and L2 its Grams.

Arguments have the names and shapes of `t2l_kernels.recon.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from t2l_kernels.recon import library


class LowrankL1(torch.autograd.Function):
    """Backward forms the tiles again: storing their signs would take the memory that tiles save."""

    @staticmethod
    def forward(ctx, a_hat, b_hat, a, b, scale: float, impl: str) -> Tensor:
        """Return the loss and save references to the factors."""
        ctx.scale, ctx.impl = scale, impl
        ctx.save_for_backward(a_hat, b_hat, a, b)
        return library.l1(a_hat, b_hat, a, b, scale, impl)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        """Return the gradients of a_hat and b_hat, None for the other arguments."""
        needs = list(ctx.needs_input_grad[:2])
        grads = library.l1_backward(grad, *ctx.saved_tensors, ctx.scale, needs, ctx.impl)
        return *_needed(grads, needs), None, None, None, None


class LowrankL2(torch.autograd.Function):
    """Saves references to the factors, and the Grams that forward computed."""

    @staticmethod
    def forward(ctx, a_hat, b_hat, a, b, scale: float) -> Tensor:
        """Return the loss and save the factors and their Grams."""
        loss, grams = library.l2(a_hat, b_hat, a, b, scale)
        ctx.scale = scale
        ctx.save_for_backward(a_hat, b_hat, a, b, grams)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        """Return the gradients of a_hat and b_hat, None for the other arguments."""
        needs = list(ctx.needs_input_grad[:2])
        grads = library.l2_backward(grad, *ctx.saved_tensors, ctx.scale, needs)
        return *_needed(grads, needs), None, None, None


def _needed(grads: tuple[Tensor, Tensor], needs: list[bool]) -> list[Tensor | None]:
    return [grad if need else None for grad, need in zip(grads, needs, strict=True)]
