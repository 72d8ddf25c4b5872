"""Argument checks, one message style: the argument's name, what was expected, what came."""

from collections.abc import Sequence

import torch
from torch import Tensor


class T2LError(Exception):
    """Root of every error that `t2l_kernels` and `t2l_fast` raise on purpose."""


class ArgumentError(T2LError, ValueError):
    """An argument has the wrong shape, dtype, device or value."""


def check_shape(name: str, tensor: Tensor, dims: str, sizes: Sequence[int | None]) -> None:
    """Raise unless `tensor` has shape `sizes` (`None`: any size), whose dimensions are `dims`.

    Args:
        name: of the argument, for the message.
        tensor: checked.
        dims: the dimensions' names, such as "[tokens, in_features]".
        sizes: what each must be; None: any.

    Raises:
        ArgumentError: another number of dimensions or another size.
    """
    if not isinstance(tensor, Tensor):
        raise ArgumentError(
            f"{name} must be a tensor of shape {dims}, got {type(tensor).__name__}: "
            "wrap it in torch.tensor"
        )
    fits = tensor.dim() == len(sizes)
    if fits:
        for wanted, got in zip(sizes, tensor.shape, strict=True):
            if wanted is not None and wanted != got:
                fits = False
    if not fits:
        wanted = ", ".join("*" if size is None else str(size) for size in sizes)
        raise ArgumentError(f"{name} must have shape {dims}=({wanted}), got {tuple(tensor.shape)}")


def check_dtype(name: str, tensor: Tensor, *allowed: torch.dtype, why: str = "") -> None:
    """Raise `ArgumentError` unless the tensor has one of the allowed dtypes."""
    if tensor.dtype not in allowed:
        names = " or ".join(str(dtype) for dtype in allowed)
        raise ArgumentError(f"{name} must be {names}{why}, got {tensor.dtype}")


def check_device(name: str, tensor: Tensor, device: torch.device, like: str) -> None:
    """Raise `ArgumentError` unless the tensor is on `device`, where `like` is."""
    if tensor.device != device:
        raise ArgumentError(f"{name} must be on {device}, where {like} is, got {tensor.device}")


def check_contiguous(name: str, tensor: Tensor) -> None:
    """Raise `ArgumentError` unless the tensor is contiguous."""
    if not tensor.is_contiguous():
        raise ArgumentError(
            f"{name} must be contiguous for impl='triton', got strides {tensor.stride()} of shape "
            f"{tuple(tensor.shape)}: call .contiguous() once, where it is made"
        )


def check_slot_range(slots: Sequence[int], num_slots: int) -> None:
    """Raise if a slot lies beyond the adapters given; −1 (no adapter) is fine."""
    if slots and (max(slots) >= num_slots or min(slots) < -1):
        worst = max(slots) if max(slots) >= num_slots else min(slots)
        raise ArgumentError(
            f"slots must lie in [-1, {num_slots - 1}] for {num_slots} adapters, got {worst}"
        )


def check_ranks(ranks: Sequence[int], rank_max: int) -> None:
    """Raise if a live rank is beyond the slab's rows.

    Raises:
        ArgumentError: one is negative or larger than the slab's rank.
    """
    if ranks and (max(ranks) > rank_max or min(ranks) < 0):
        worst = max(ranks) if max(ranks) > rank_max else min(ranks)
        raise ArgumentError(f"ranks must lie in [0, {rank_max}] for this slab, got {worst}")


def check_no_grad(op: str, *tensors: Tensor | None) -> None:
    """Raise `ArgumentError` if autograd would have to differentiate this operator."""
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors):
        raise ArgumentError(
            f"{op} is not differentiable, but an input requires grad: "
            "call multi_lora, which is, or wrap the call in torch.no_grad()"
        )
