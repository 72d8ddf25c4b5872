"""multi_lora and its gradients, composed of kernel launches.

Arguments have the names and shapes of `t2l_kernels.lora.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor

from t2l_kernels._core.shapes import flat
from t2l_kernels.lora.launch import expand, grad, shrink
from t2l_kernels.routing.route import Route


def forward(
    x: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
    residual: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Return `residual + delta` and s `[T, R]` in token order and x's dtype, as expand read it."""
    rows = flat(x).contiguous()
    out = x.new_empty((*x.shape[:-1], lora_b.shape[2]))
    s = x.new_empty((rows.shape[0], lora_a.shape[1]))
    base = None if residual is None else flat(residual).contiguous()
    planes = shrink(rows, lora_a, route, ranks)
    expand(
        planes, lora_b, route, scalings, ranks,
        base=base, out=out.view(rows.shape[0], -1), total=s,
    )  # fmt: skip
    return out, s


def backward(
    grad_out: Tensor,
    x: Tensor,
    s: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
    needs: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return gradients of x, lora_a and lora_b; an empty tensor where none is needed.

    With y = c · s B and s = x Aᵀ: ds = dy Bᵀ, dx = c · ds A, dA = c · dsᵀ x, dB = c · sᵀ dy. B is
    rank-major, so ds is a shrink of dy and dx an expand of ds.
    """
    dy = flat(grad_out).contiguous()
    grad_x = grad_a = grad_b = x.new_empty(0)
    if needs[2]:
        grad_b = grad(s, dy, lora_b, route, scalings, ranks)
    if needs[0] or needs[1]:
        planes = shrink(dy, lora_b, route, ranks)
        ds = torch.empty_like(s) if needs[1] else None
        if needs[0]:
            grad_x = x.new_empty(x.shape)
            rows = grad_x.view(dy.shape[0], -1)
            expand(planes, lora_a, route, scalings, ranks, base=None, out=rows, total=ds)
        elif ds is not None:
            whole = planes[0]
            for plane in planes[1:]:  # in expand's order, so that dA does not depend on who asks
                whole = whole + plane
            ds.copy_(whole)
        if ds is not None:
            grad_a = grad(ds, flat(x).contiguous(), lora_a, route, scalings, ranks)
    return grad_x, grad_a, grad_b
