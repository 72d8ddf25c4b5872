"""One autograd boundary for shrink and expand together.

Arguments have the names and shapes of `t2l_kernels.lora.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from t2l_kernels.lora import library


class MultiLora(torch.autograd.Function):
    """Saves x, s, the route and references to the adapters; nothing is copied."""

    @staticmethod
    def forward(
        ctx, x, lora_a, lora_b, residual, scalings, ranks, impl: str, *route: Tensor
    ) -> Tensor:
        """Run `library.forward` and save what backward reads."""
        out, s = library.forward(x, lora_a, lora_b, list(route), scalings, ranks, residual, impl)
        ctx.impl = impl
        ctx.save_for_backward(x, s, lora_a, lora_b, scalings, ranks, *route)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out: Tensor):
        """Return the gradients that are needed, None for the other arguments."""
        x, s, lora_a, lora_b, scalings, ranks, *route = ctx.saved_tensors
        needs = ctx.needs_input_grad
        grads = library.backward(
            grad_out.contiguous(),
            x,
            s,
            lora_a,
            lora_b,
            list(route),
            scalings,
            ranks,
            list(needs[:3]),
            ctx.impl,
        )
        grad_x, grad_a, grad_b = (
            grad if need else None for grad, need in zip(grads, needs[:3], strict=True)
        )
        return grad_x, grad_a, grad_b, grad_out if needs[3] else None, *[None] * (3 + len(route))
