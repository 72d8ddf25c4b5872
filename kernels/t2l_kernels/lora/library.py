"""The LoRA operators as torch.library ops, so that `torch.compile` sees them as single nodes.

Arguments have the names and shapes of `t2l_kernels.lora.api`, unless a docstring says otherwise.
"""

from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor

from t2l_kernels._core.impl import resolve_impl
from t2l_kernels._core.register import operator
from t2l_kernels.lora import plans, reference, torch_impl
from t2l_kernels.lora.reference import accumulator
from t2l_kernels.routing.route import Route


def _shrink_fake(call: SimpleNamespace) -> Tensor:
    planes = 1
    if resolve_impl(call.impl, call.x.device) == "triton":
        planes = plans.planes(call.x.shape[1], call.lora_a.shape[1], call.x.dtype, call.x.device)
    return call.x.new_empty(
        (planes, call.x.shape[0], call.lora_a.shape[1]), dtype=accumulator(call.x.dtype)
    )


@operator("lora_shrink", fake=_shrink_fake)
def shrink(
    x: Tensor, lora_a: Tensor, route: list[Tensor], ranks: Tensor | None, impl: str
) -> Tensor:
    """Return s `[P, T, R]`, as `ops.lora_shrink`."""
    table = Route(*route)
    chosen = resolve_impl(impl, x.device)
    if chosen == "reference":
        return reference.shrink(x, lora_a, table.token_slots, ranks)
    if chosen == "triton":
        from t2l_kernels.lora import launch

        return launch.shrink(x, lora_a, table, ranks)
    return torch_impl.shrink(x, lora_a, table, ranks)


@operator("lora_shrink_into", mutates=["s"])
def shrink_into(
    x: Tensor, lora_a: Tensor, route: list[Tensor], ranks: Tensor | None, s: Tensor
) -> None:
    """Write s into a workspace; Triton only."""
    from t2l_kernels.lora import launch

    launch.shrink(x, lora_a, Route(*route), ranks, s)


@operator("lora_expand", mutates=["out"])
def expand(
    s: Tensor,
    lora_b: Tensor,
    route: list[Tensor],
    scalings: Tensor,
    ranks: Tensor | None,
    out: Tensor,
    impl: str,
) -> None:
    """Add the delta to `out` in place, as `ops.lora_expand`."""
    table = Route(*route)
    chosen = resolve_impl(impl, s.device)
    if chosen == "triton":
        from t2l_kernels.lora import launch

        launch.expand(s, lora_b, table, scalings, ranks, base=out, out=out)
        return
    if chosen == "torch":
        torch_impl.expand(s, lora_b, table, scalings, ranks, out)
        return
    for token, row in enumerate(reference.delta(s, lora_b, table.token_slots, scalings, ranks)):
        if row is not None:
            out[token] = (out[token].to(row.dtype) + row).to(out.dtype)


def _differentiable(impl: str, x: Tensor) -> ModuleType:
    """The implementation of forward and backward; reference differentiates by autograd instead."""
    if resolve_impl(impl, x.device) == "triton":
        from t2l_kernels.lora import triton_impl

        return triton_impl
    return torch_impl


def _forward_fake(call: SimpleNamespace) -> tuple[Tensor, Tensor]:
    out = call.x.new_empty((*call.x.shape[:-1], call.lora_b.shape[2]))
    s_dtype = (
        call.x.dtype
        if resolve_impl(call.impl, call.x.device) == "triton"
        else accumulator(call.x.dtype)
    )
    return out, call.x.new_empty((call.x.shape[:-1].numel(), call.lora_a.shape[1]), dtype=s_dtype)


@operator("multi_lora_forward", fake=_forward_fake)
def forward(
    x: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: list[Tensor],
    scalings: Tensor,
    ranks: Tensor | None,
    residual: Tensor | None,
    impl: str,
) -> tuple[Tensor, Tensor]:
    """Return out `[…, out]` and the implementation's s `[T, R]`."""
    module = _differentiable(impl, x)
    return module.forward(x, lora_a, lora_b, Route(*route), scalings, ranks, residual)


def _backward_fake(call: SimpleNamespace) -> tuple[Tensor, Tensor, Tensor]:
    grads = [
        torch.empty_like(t, memory_format=torch.contiguous_format) if need else t.new_empty(0)
        for t, need in zip((call.x, call.lora_a, call.lora_b), call.needs, strict=True)
    ]
    return grads[0], grads[1], grads[2]


@operator("multi_lora_backward", fake=_backward_fake)
def backward(
    grad_out: Tensor,
    x: Tensor,
    s: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: list[Tensor],
    scalings: Tensor,
    ranks: Tensor | None,
    needs: list[bool],
    impl: str,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of x, lora_a and lora_b; empty where not needed."""
    table = Route(*route)
    needed = (needs[0], needs[1], needs[2])
    module = _differentiable(impl, x)
    return module.backward(grad_out, x, s, lora_a, lora_b, table, scalings, ranks, needed)
