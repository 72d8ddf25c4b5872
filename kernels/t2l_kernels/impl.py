"""Which implementation runs: the one place that decides."""

from importlib.util import find_spec
from typing import Literal

import torch

from t2l_kernels.checks import ArgumentError

Impl = Literal["auto", "triton", "torch", "reference"]

IMPLEMENTED = ("torch", "reference")
"""Implementations this version holds. The Triton kernels join with their own release."""


def triton_installed() -> bool:
    """Whether the package `triton` could be imported (it is not imported here)."""
    return find_spec("triton") is not None


def explain_impl(device: torch.device) -> tuple[str, str]:
    """What `impl="auto"` means for tensors on `device`: the implementation and the reason."""
    if device.type == "cpu":
        return "torch", "tensors are on the CPU"
    if "triton" not in IMPLEMENTED:
        return "torch", f"this version has no Triton kernels yet (tensors are on {device.type})"
    if not triton_installed():
        return "torch", f"tensors are on {device.type}, but triton is not installed"
    return "triton", f"tensors are on {device.type} and triton is installed"


def resolve_impl(impl: str, device: torch.device) -> str:
    """Name the implementation to run. An explicit choice never falls back.

    Raises:
        ArgumentError: `impl` is unknown, or not part of this version.
    """
    if impl == "auto":
        return explain_impl(device)[0]
    if impl not in IMPLEMENTED:
        known = ", ".join(repr(name) for name in ("auto", *IMPLEMENTED))
        raise ArgumentError(f"impl must be one of {known} in this version, got {impl!r}")
    return impl
