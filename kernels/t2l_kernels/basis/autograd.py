"""One autograd boundary for the dense matmuls and the core step together.

Arguments have the names and shapes of `t2l_kernels.basis.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from t2l_kernels.basis import library


class BasisLora(torch.autograd.Function):
    """Saves u, s, the route and references to bases and cores; x and v only for the bases."""

    @staticmethod
    def forward(
        ctx,
        x: Tensor,
        basis_a: Tensor,
        core_a: Tensor,
        core_b: Tensor,
        basis_b: Tensor,
        residual: Tensor | None,
        scalings: Tensor,
        ranks: Tensor | None,
        impl: str,
        *route: Tensor,
    ) -> Tensor:
        """Run `library.forward` and save what backward reads."""
        weights = basis_a, core_a, core_b, basis_b
        out, u, s, v = library.forward(x, *weights, list(route), scalings, ranks, residual, impl)
        ctx.impl = impl
        needs = ctx.needs_input_grad
        saved = x if needs[1] else None, u, s, v if needs[4] else None
        ctx.save_for_backward(*saved, *weights, scalings, ranks, *route)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out: Tensor):
        """Return the gradients that are needed, None for the other arguments."""
        x, u, s, v, *rest = ctx.saved_tensors
        weights, (scalings, ranks), route = rest[:4], rest[4:6], rest[6:]
        needs = ctx.needs_input_grad
        grads = library.backward(
            grad_out.contiguous(), x, u, s, v, *weights, list(route), scalings, ranks,
            list(needs[:5]), ctx.impl,
        )  # fmt: skip
        needed = (grad if need else None for grad, need in zip(grads, needs[:5], strict=True))
        return *needed, grad_out if needs[5] else None, *[None] * (3 + len(route))
