"""`basis_lora` and its gradients as torch.library ops: dense matmuls around the core step.

Arguments have the names and shapes of `t2l_kernels.basis.api`, unless a docstring says otherwise.
"""

from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor

from t2l_kernels._core.impl import resolve_impl
from t2l_kernels._core.register import operator
from t2l_kernels._core.shapes import flat
from t2l_kernels.basis import torch_impl
from t2l_kernels.lora.reference import accumulator
from t2l_kernels.routing.route import Route


def _steps(impl: str, x: Tensor) -> ModuleType:
    """Where `core`, `core_backward` and `keep` are; reference has autograd instead."""
    if resolve_impl(impl, x.device) == "triton":
        from t2l_kernels.basis import launch

        return launch
    return torch_impl


def _forward_fake(call: SimpleNamespace) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    tokens = call.x.shape[:-1].numel()
    s_dtype = (
        call.x.dtype
        if resolve_impl(call.impl, call.x.device) == "triton"
        else accumulator(call.x.dtype)
    )
    return (
        call.x.new_empty((*call.x.shape[:-1], call.basis_b.shape[0])),
        call.x.new_empty((tokens, call.core_a.shape[2])),
        call.x.new_empty((tokens, call.core_a.shape[1]), dtype=s_dtype),
        call.x.new_empty((tokens, call.core_b.shape[2])),
    )


@operator("basis_lora_forward", fake=_forward_fake)
def forward(
    x: Tensor,
    basis_a: Tensor,
    core_a: Tensor,
    core_b: Tensor,
    basis_b: Tensor,
    route: list[Tensor],
    scalings: Tensor,
    ranks: Tensor | None,
    residual: Tensor | None,
    impl: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return out `[…, out]`, u `[T, h_a]`, s `[T, R]` and v `[T, h_b]`."""
    steps, table = _steps(impl, x), Route(*route)
    u = torch.mm(flat(x), basis_a.t())
    v, s = steps.core(u, core_a, core_b, table, scalings, ranks)
    if residual is None:
        out = torch.mm(v, basis_b.t())
    else:
        base = flat(residual)
        out = torch.addmm(base, v, basis_b.t())
        # adding zero turns −0.0 into 0.0
        steps.keep(out, base, table)
    return out.view(*x.shape[:-1], basis_b.shape[0]), u, s, v


def _backward_fake(call: SimpleNamespace) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    shapes = (
        (*call.grad_out.shape[:-1], call.basis_a.shape[1]),
        call.basis_a.shape,
        call.core_a.shape,
        call.core_b.shape,
        call.basis_b.shape,
    )
    grads = [
        call.u.new_empty(shape if need else 0)
        for shape, need in zip(shapes, call.needs, strict=True)
    ]
    return grads[0], grads[1], grads[2], grads[3], grads[4]


@operator("basis_lora_backward", fake=_backward_fake)
def backward(
    grad_out: Tensor,
    x: Tensor | None,
    u: Tensor,
    s: Tensor,
    v: Tensor | None,
    basis_a: Tensor,
    core_a: Tensor,
    core_b: Tensor,
    basis_b: Tensor,
    route: list[Tensor],
    scalings: Tensor,
    ranks: Tensor | None,
    needs: list[bool],
    impl: str,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return gradients of x, both bases and both cores; empty where not needed."""
    # with u = x Eᵀ, v = core(u), y = v Fᵀ: dv = dy F, dF = dyᵀ v, du = core'(dv), dx = du E,
    # dE = duᵀ x; an empty tensor stands for a gradient that is not needed
    dy = flat(grad_out)
    grads = [u.new_empty(0) for _ in needs]
    if any(needs[:4]):
        du, *cores = _steps(impl, u).core_backward(
            torch.mm(dy, basis_b), u, s, core_a, core_b, Route(*route), scalings, ranks,
            (needs[0] or needs[1], needs[2], needs[3]),
        )  # fmt: skip
        for at in (2, 3):
            if needs[at]:
                grads[at] = cores[at - 2]
        if needs[0]:
            grads[0] = torch.mm(du, basis_a).view(*grad_out.shape[:-1], basis_a.shape[1])
        if needs[1] and x is not None:
            grads[1] = torch.mm(du.t(), flat(x))
    if needs[4] and v is not None:
        grads[4] = torch.mm(dy.t(), v)
    return grads[0], grads[1], grads[2], grads[3], grads[4]
