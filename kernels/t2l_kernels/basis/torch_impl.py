"""The core step without a kernel: LoRA's own torch path on u, whose adapters are the cores.

Arguments have the names and shapes of `t2l_kernels.basis.api`, unless a docstring says otherwise.
"""

from torch import Tensor

from t2l_kernels.lora import torch_impl as lora
from t2l_kernels.lora.torch_impl import backward as core_backward
from t2l_kernels.routing.route import Route


def core(
    u: Tensor,
    core_a: Tensor,
    core_b: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Return v `[T, h_b]` in token order, zero for slot −1, and s `[T, R]` in route order."""
    return lora.forward(u, core_a, core_b, route, scalings, ranks, None)


def keep(out: Tensor, residual: Tensor, route: Route) -> None:
    """Give rows of slot −1 of `out` the residual's bits; both `[T, out]`, of one dtype."""
    bare = (route.token_slots < 0).nonzero().flatten()
    if bare.numel():
        out.index_copy_(0, bare, residual.index_select(0, bare))


__all__ = ["core", "core_backward", "keep"]
