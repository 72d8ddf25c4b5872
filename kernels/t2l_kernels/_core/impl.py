"""Which implementation runs: the one place that decides."""

import os
from importlib.util import find_spec
from typing import Literal

import torch

from t2l_kernels._core.arch import DTYPES, MAX_RANK, OLDEST
from t2l_kernels._core.checks import ArgumentError

Impl = Literal["auto", "triton", "torch", "reference"]

IMPLEMENTED: tuple[Literal["triton", "torch", "reference"], ...] = ("triton", "torch", "reference")


def triton_installed() -> bool:
    """Return whether the package `triton` could be imported (it is not imported here)."""
    return find_spec("triton") is not None


def explain_impl(device: torch.device) -> tuple[Impl, str]:
    """Return what `impl="auto"` means on `device`: the implementation and the reason."""
    if device.type == "cpu":
        return "torch", "tensors are on the CPU"
    if device.type != "cuda":
        return "torch", f"the kernels run on CUDA and ROCm only (tensors are on {device.type})"
    if not triton_installed():
        return "torch", f"tensors are on {device.type}, but triton is not installed"
    if not torch.version.hip and (got := torch.cuda.get_device_capability(device)) < OLDEST:
        return "torch", f"the kernels need compute capability 8.0, got {got[0]}.{got[1]}"
    return "triton", f"tensors are on {device.type} and triton is installed"


def resolve_impl(
    impl: str, device: torch.device, dtype: torch.dtype | None = None, rank: int | None = None
) -> Impl:
    """Name the implementation to run. An explicit choice never falls back.

    Args:
        impl: "auto", or the choice.
        dtype: of the adapters; "auto" leaves to torch what the kernels do not run, as fp64.
        rank: of the slab; likewise.

    Raises:
        ArgumentError: `impl` is unknown, or "triton" can't run on `device`.
    """
    if impl == "auto":
        runs = (dtype is None or dtype in DTYPES) and (rank is None or rank <= MAX_RANK)
        return explain_impl(device)[0] if runs else "torch"
    if impl not in IMPLEMENTED:
        known = ", ".join(repr(name) for name in ("auto", *IMPLEMENTED))
        raise ArgumentError(f"impl must be one of {known}, got {impl!r}")
    if impl == "triton":
        _check_triton(device)
    return impl


def _check_triton(device: torch.device) -> None:
    if not triton_installed():
        raise ArgumentError(
            "impl='triton' needs the package triton, got none installed: pip install triton, or "
            "pass impl='torch'"
        )
    # read at each call: kernels bind to it when they are first imported
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    if device.type != "cuda" and not (interpreted and device.type == "cpu"):
        raise ArgumentError(
            f"impl='triton' needs tensors on a GPU, got {device.type}: pass impl='auto' (or start "
            "Python with TRITON_INTERPRET=1 to run kernels on the CPU, slowly)"
        )
