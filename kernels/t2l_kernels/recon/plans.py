"""Tile plan of the L1 kernels, untuned: from widths, ranks and dtype, never from the batch."""

from dataclasses import dataclass
from functools import lru_cache

import torch


@dataclass(frozen=True, slots=True)
class L1Plan:
    """Tiles `[block_d, block_l]` of the difference; a program walks along the second dimension."""

    block_d: int
    block_l: int
    block_r: int
    block_t: int
    warps: int
    stages: int
    registers: int | None  # a bound; without one ptxas spills a few bytes for a rounder occupancy

    def constants(self, width: int, length: int, rank: int, target_rank: int) -> dict[str, int]:
        """Return the compile-time arguments of both kernels."""
        return {
            "RANK": rank,
            "TARGET_RANK": target_rank,
            "BLOCK_D": self.block_d,
            "BLOCK_L": self.block_l,
            "BLOCK_R": self.block_r,
            "BLOCK_T": self.block_t,
            "EVEN_D": width % self.block_d == 0,
            "EVEN_L": length % self.block_l == 0,
            "num_warps": self.warps,
            "num_stages": self.stages,
        } | ({"maxnreg": self.registers} if self.registers else {})


@lru_cache(maxsize=1024)
def l1_plan(
    width: int, length: int, rank: int, target_rank: int, dtype: torch.dtype, arch: str
) -> L1Plan:
    """Choose tiles as large as registers allow.

    Wide ranks, fp32 (no matrix instruction) and ragged widths (no vector loads) take smaller ones.
    32 rows never leave the `mma` family.

    Args:
        width: columns that programs share out.
        length: columns that each program walks along.
        rank: of the prediction.
        target_rank: of the target.
        dtype: of the factors.
        arch: a key of the plan tables, as `arch_of` gives it.
    """
    block_r, block_t = _block_rank(rank), _block_rank(target_rank)
    if dtype == torch.float32 or width % 16 or length % 16:
        block_d = 32 if block_r + block_t < 192 else 16
        registers = None
        if arch.startswith("sm_"):
            registers = 168 if block_r + block_t <= 128 else 248
        return L1Plan(block_d, 16, block_r, block_t, 4, 1, registers)
    block_l = 64 if max(block_r, block_t) <= 32 else 32
    return L1Plan(32, block_l, block_r, block_t, 2, 2, None)


def _block_rank(rank: int) -> int:
    return max(16, 1 << (rank - 1).bit_length())
