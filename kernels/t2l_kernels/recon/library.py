"""The reconstruction losses as torch.library ops, so that `torch.compile` sees single nodes."""

from types import ModuleType

import torch
from torch import Tensor

from t2l_kernels._core.impl import resolve_impl
from t2l_kernels._core.register import define
from t2l_kernels.lora.reference import accumulator
from t2l_kernels.recon import torch_impl
from t2l_kernels.recon.torch_impl import empty_grads

_FACTORS = "Tensor a_hat, Tensor b_hat, Tensor a, Tensor b"


def _module(impl: str, a_hat: Tensor) -> ModuleType:
    """The implementation of L1 and its gradients; reference differentiates by autograd instead."""
    if resolve_impl(impl, a_hat.device) == "triton":
        from t2l_kernels.recon import launch

        return launch
    return torch_impl


def _l1(a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor, scale: float, impl: str) -> Tensor:
    return _module(impl, a_hat).l1((a_hat, b_hat, a, b), scale)


def _l1_backward(
    grad: Tensor,
    a_hat: Tensor,
    b_hat: Tensor,
    a: Tensor,
    b: Tensor,
    scale: float,
    needs: list[bool],
    impl: str,
) -> tuple[Tensor, Tensor]:
    factors = a_hat, b_hat, a, b
    return _module(impl, a_hat).l1_backward(grad, factors, scale, (needs[0], needs[1]))


def _l2(a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    return torch_impl.l2((a_hat, b_hat, a, b), scale)


def _l2_fake(
    a_hat: Tensor, b_hat: Tensor, a: Tensor, b: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    rank = a_hat.shape[-2]
    shape = (2, a_hat.shape[:-2].numel(), rank, rank + a.shape[-2])
    return _scalar(a_hat), a_hat.new_empty(shape, dtype=torch.float64)


def _l2_backward(
    grad: Tensor,
    a_hat: Tensor,
    b_hat: Tensor,
    a: Tensor,
    b: Tensor,
    grams: Tensor,
    scale: float,
    needs: list[bool],
) -> tuple[Tensor, Tensor]:
    factors = a_hat, b_hat, a, b
    return torch_impl.l2_backward(grad, factors, grams, scale, (needs[0], needs[1]))


def _scalar(a_hat: Tensor, *_) -> Tensor:
    return a_hat.new_empty((), dtype=accumulator(a_hat.dtype))


l1 = define(f"lowrank_l1({_FACTORS}, float scale, str impl) -> Tensor", _l1, _scalar)
l1_backward = define(
    f"lowrank_l1_backward(Tensor grad, {_FACTORS}, float scale, bool[] needs, str impl) "
    "-> (Tensor, Tensor)",
    _l1_backward,
    lambda grad, a_hat, b_hat, a, b, scale, needs, impl: empty_grads((a_hat, b_hat, a, b), needs),
)
l2 = define(f"lowrank_l2({_FACTORS}, float scale) -> (Tensor, Tensor)", _l2, _l2_fake)
l2_backward = define(
    f"lowrank_l2_backward(Tensor grad, {_FACTORS}, Tensor grams, float scale, "
    "bool[] needs) -> (Tensor, Tensor)",
    _l2_backward,
    lambda grad, a_hat, b_hat, a, b, grams, scale, needs: empty_grads((a_hat, b_hat, a, b), needs),
)
