"""Machines that the kernels are planned for: limits, names, and launch options."""

from functools import lru_cache

import torch

from t2l_kernels._core.checks import ArgumentError

ARCHS = ("sm_80", "sm_90", "sm_100", "gfx942")
BLOCK_SIZES = (16, 64)
"""Tokens per block of a route: short segments take the first, long ones the second."""
OLDEST = (8, 0)
"""Compute capability from which NVIDIA GPUs run the kernels (bf16 `mma`)."""
MAX_RANK = 128
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


@lru_cache(maxsize=64)
def arch_of(device: torch.device) -> str:
    """Return the plan table's name for a device; the interpreter on the CPU takes sm_80's.

    Raises:
        ArgumentError: the device is older than any table (compute capability below 8.0).
    """
    if device.type != "cuda":
        return "sm_80"
    if torch.version.hip:
        return "gfx942"
    major, minor = torch.cuda.get_device_capability(device)
    if (major, minor) < OLDEST:
        raise ArgumentError(
            f"impl='triton' needs compute capability 8.0 or newer, got {major}.{minor}: "
            "pass impl='torch'"
        )
    return "sm_100" if major >= 10 else f"sm_{major}0"


def launch_options(arch: str) -> dict[str, object]:
    """Launch options that pin the numerics: fused multiply-add on, one matrix instruction."""
    pinned: dict[str, object] = {"enable_fp_fusion": True}
    if arch.startswith("gfx"):
        pinned["matrix_instr_nonkdim"] = 16
    return pinned


def programs(block_m: int) -> int:
    """Return how many programs to aim for: four per multiprocessor of an H100, one of 64 rows."""
    return 528 if block_m == BLOCK_SIZES[0] else 132


def programs_at_most(block_m: int, others: int) -> int:
    """Return programs along the blocks: twice what fills the device, strided over the rest."""
    return max(1, 2 * programs(block_m) // others)
