"""The LoRA operators as torch.library ops, so that `torch.compile` sees them as single nodes."""

from types import ModuleType

import torch
from torch import Tensor

from t2l_kernels._core.impl import resolve_impl
from t2l_kernels._core.register import define
from t2l_kernels.lora import plans, reference, torch_impl
from t2l_kernels.lora.reference import accumulator
from t2l_kernels.routing.route import Route


def _shrink(
    x: Tensor, lora_a: Tensor, route: list[Tensor], ranks: Tensor | None, impl: str
) -> Tensor:
    table = Route(*route)
    chosen = resolve_impl(impl, x.device)
    if chosen == "reference":
        return reference.shrink(x, lora_a, table.token_slots, ranks)
    if chosen == "triton":
        from t2l_kernels.lora import launch

        return launch.shrink(x, lora_a, table, ranks)
    return torch_impl.shrink(x, lora_a, table, ranks)


def _shrink_fake(
    x: Tensor, lora_a: Tensor, route: list[Tensor], ranks: Tensor | None, impl: str
) -> Tensor:
    planes = 1
    if resolve_impl(impl, x.device) == "triton":
        planes = plans.planes(x.shape[1], lora_a.shape[1], x.dtype, x.device)
    return x.new_empty((planes, x.shape[0], lora_a.shape[1]), dtype=accumulator(x.dtype))


shrink = define(
    "lora_shrink(Tensor x, Tensor lora_a, Tensor[] route, Tensor? ranks, str impl) -> Tensor",
    _shrink,
    _shrink_fake,
)


def _shrink_into(
    x: Tensor, lora_a: Tensor, route: list[Tensor], ranks: Tensor | None, s: Tensor
) -> None:
    from t2l_kernels.lora import launch

    launch.shrink(x, lora_a, Route(*route), ranks, s)


shrink_into = define(
    "lora_shrink_into(Tensor x, Tensor lora_a, Tensor[] route, Tensor? ranks, Tensor(a!) s) -> ()",
    _shrink_into,
    lambda *args: None,
)


def _expand(
    s: Tensor,
    lora_b: Tensor,
    route: list[Tensor],
    scalings: Tensor,
    ranks: Tensor | None,
    out: Tensor,
    impl: str,
) -> None:
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


expand = define(
    "lora_expand(Tensor s, Tensor lora_b, Tensor[] route, Tensor scalings, Tensor? ranks, "
    "Tensor(a!) out, str impl) -> ()",
    _expand,
    lambda *args: None,
)


def _differentiable(impl: str, x: Tensor) -> ModuleType:
    """The implementation of forward and backward; reference differentiates by autograd instead."""
    if resolve_impl(impl, x.device) == "triton":
        from t2l_kernels.lora import triton_impl

        return triton_impl
    return torch_impl


def _forward(
    x: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: list[Tensor],
    scalings: Tensor,
    ranks: Tensor | None,
    residual: Tensor | None,
    impl: str,
) -> tuple[Tensor, Tensor]:
    module = _differentiable(impl, x)
    return module.forward(x, lora_a, lora_b, Route(*route), scalings, ranks, residual)


def _forward_fake(
    x: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: list[Tensor],
    scalings: Tensor,
    ranks: Tensor | None,
    residual: Tensor | None,
    impl: str,
) -> tuple[Tensor, Tensor]:
    out = x.new_empty((*x.shape[:-1], lora_b.shape[2]))
    kept = x.dtype if resolve_impl(impl, x.device) == "triton" else accumulator(x.dtype)
    return out, x.new_empty((x.shape[:-1].numel(), lora_a.shape[1]), dtype=kept)


forward = define(
    "multi_lora_forward(Tensor x, Tensor lora_a, Tensor lora_b, Tensor[] route, Tensor scalings, "
    "Tensor? ranks, Tensor? residual, str impl) -> (Tensor, Tensor)",
    _forward,
    _forward_fake,
)


def _backward(
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
    table = Route(*route)
    needed = (needs[0], needs[1], needs[2])
    module = _differentiable(impl, x)
    return module.backward(grad_out, x, s, lora_a, lora_b, table, scalings, ranks, needed)


def _backward_fake(
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
    grads = [
        torch.empty_like(t, memory_format=torch.contiguous_format) if need else t.new_empty(0)
        for t, need in zip((x, lora_a, lora_b), needs, strict=True)
    ]
    return grads[0], grads[1], grads[2]


backward = define(
    "multi_lora_backward(Tensor grad_out, Tensor x, Tensor s, Tensor lora_a, Tensor lora_b, "
    "Tensor[] route, Tensor scalings, Tensor? ranks, bool[] needs, str impl) "
    "-> (Tensor, Tensor, Tensor)",
    _backward,
    _backward_fake,
)
