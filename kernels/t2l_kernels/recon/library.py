"""The reconstruction losses as torch.library ops, so that `torch.compile` sees single nodes.

Arguments have the names and shapes of `t2l_kernels.recon.api`, unless a docstring says otherwise.
"""

from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor

from t2l_kernels._core.impl import resolve_impl
from t2l_kernels._core.register import operator
from t2l_kernels.lora.reference import accumulator
from t2l_kernels.recon import torch_impl
from t2l_kernels.recon.torch_impl import empty_grads


def _module(impl: str, a_hat: Tensor) -> ModuleType:
    """The implementation of L1 and its gradients; reference differentiates by autograd instead."""
    if resolve_impl(impl, a_hat.device) == "triton":
        from t2l_kernels.recon import launch

        return launch
    return torch_impl


def _scalar(call: SimpleNamespace) -> Tensor:
    return call.a_hat.new_empty((), dtype=accumulator(call.a_hat.dtype))


def _grads(call: SimpleNamespace) -> tuple[Tensor, Tensor]:
    return empty_grads((call.a_hat, call.b_hat, call.a, call.b), call.needs)


def _l2_fake(call: SimpleNamespace) -> tuple[Tensor, Tensor]:
    a_hat, rank = call.a_hat, call.a_hat.shape[-2]
    shape = (2, a_hat.shape[:-2].numel(), rank, rank + call.a.shape[-2])
    return _scalar(call), a_hat.new_empty(shape, dtype=torch.float64)


@operator("lowrank_l1", fake=_scalar)
def l1(a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor, scale: float, impl: str) -> Tensor:
    """Return the L1 loss, a scalar."""
    return _module(impl, a_hat).l1((a_hat, b_hat, a, b), scale)


@operator("lowrank_l1_backward", fake=_grads)
def l1_backward(
    grad: Tensor,
    a_hat: Tensor,
    b_hat: Tensor,
    a: Tensor,
    b: Tensor,
    scale: float,
    needs: list[bool],
    impl: str,
) -> tuple[Tensor, Tensor]:
    """Return the L1 gradients of a_hat and b_hat; empty where not needed."""
    factors = a_hat, b_hat, a, b
    return _module(impl, a_hat).l1_backward(grad, factors, scale, (needs[0], needs[1]))


@operator("lowrank_l2", fake=_l2_fake)
def l2(a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Return the L2 loss, a scalar, and its Grams `[2, n, r, r + R]` fp64."""
    return torch_impl.l2((a_hat, b_hat, a, b), scale)


@operator("lowrank_l2_backward", fake=_grads)
def l2_backward(
    grad: Tensor,
    a_hat: Tensor,
    b_hat: Tensor,
    a: Tensor,
    b: Tensor,
    grams: Tensor,
    scale: float,
    needs: list[bool],
) -> tuple[Tensor, Tensor]:
    """Return the L2 gradients of a_hat and b_hat; empty where not needed."""
    factors = a_hat, b_hat, a, b
    return torch_impl.l2_backward(grad, factors, grams, scale, (needs[0], needs[1]))
