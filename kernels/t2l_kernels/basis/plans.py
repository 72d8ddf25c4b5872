"""Tile plans of the core step, from (hidden sizes, rank, dtype, arch) alone. **Untuned**.

Narrower tiles than LoRA's: the addresses of two loops and s live at once in the registers. One
plane: a hidden size is a few thousand at most, there is nothing to split.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch

from t2l_kernels._core.arch import BLOCK_SIZES, MAX_RANK
from t2l_kernels.lora import plans

KEEP_PROGRAMS = 528
"""Programs that copy rows without an adapter: four per multiprocessor of an H100."""
KEEP_COLUMNS = 1024
SINGLE_TILE = 16
"""Columns of a tile in fp32, which no 16-bit plan takes."""


@dataclass(frozen=True, slots=True)
class CorePlan:
    """`v[t] = c · core_bᵀ (core_a u[t])`."""

    arch: str
    block_k: int
    block_n: int
    block_r: int
    stages: int

    def constants(self, hidden_a: int, hidden_b: int, rank: int, block_m: int) -> dict[str, int]:
        """Return the compile-time arguments of `basis_core_kernel`."""
        # 64 rows on 4 warps would become wgmma on sm_90 and tcgen05 on sm_100; AMD has neither
        few = block_m > BLOCK_SIZES[0] and not self.arch.startswith("gfx")
        # fma: without a bound of its own ptxas spills a few bytes to reach a rounder occupancy
        single = self.block_k == SINGLE_TILE and self.block_r < MAX_RANK
        bound = {"maxnreg": 255} if single and self.arch.startswith("sm_") else {}
        return bound | {
            "RANK": rank,
            "BLOCK_M": block_m,
            "BLOCK_K": self.block_k,
            "BLOCK_N": self.block_n,
            "BLOCK_R": self.block_r,
            "EVEN_K": hidden_a % self.block_k == 0,
            "EVEN_N": hidden_b % self.block_n == 0,
            "num_warps": 2 if few else 4,
            "num_stages": self.stages,
        }


@lru_cache(maxsize=1024)
def core_plan(hidden_a: int, hidden_b: int, rank: int, dtype: torch.dtype, arch: str) -> CorePlan:
    """Choose tiles whose two accumulators fit the registers of a program.

    Args:
        hidden_a: h_a, what the first half reads.
        hidden_b: h_b, what the second half writes.
        rank: R of the cores.
        dtype: of the operands.
        arch: a key of the plan tables, as `arch_of` gives it.
    """
    block_r = plans.shrink_plan(hidden_a, rank, dtype, arch).block_r
    if dtype == torch.float32:
        # fma: every operand lies in the registers of many threads
        return CorePlan(arch, SINGLE_TILE, SINGLE_TILE, block_r, 2)
    block_k = 32 if hidden_a % 16 or block_r == MAX_RANK else 64
    block_n = 32 if hidden_b % 16 or block_r >= 64 else 64
    # AMD's pipeliner keeps a whole tile per stage in 64 KB of shared memory
    return CorePlan(arch, block_k, block_n, block_r, 2 if arch.startswith("gfx") else 3)


def row_block(
    num_tokens: int, max_segments: int, hidden_a: int, hidden_b: int, rank: int, dtype: torch.dtype
) -> int:
    """Return tokens per block, as `plans.row_block` for both halves."""
    return min(
        plans.row_block(num_tokens, max_segments, width, rank, dtype)
        for width in (hidden_a, hidden_b)
    )
