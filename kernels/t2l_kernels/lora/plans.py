"""Tile plans: what a kernel's shape is, from (width, rank, dtype, arch) alone.

Nothing here sees the batch, so a token's result cannot depend on its company. One argued default
per kind of machine, **untuned**: no table can be measured without the device.

- K chunks of 1024 turn a decode batch of 64 tokens into four times as many programs. The partial
  sums stay under a tenth of the bytes.
- A 64-row block takes at most 2 warps, so that every plan stays in the `mma` family.
- Wide ranks take narrower tiles, so that no register spills.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch

from t2l_kernels._core.arch import BLOCK_SIZES, MAX_RANK, arch_of, programs
from t2l_kernels._core.checks import ArgumentError

GRAD_PROGRAMS = 4096
"""Slots that `lora_grad_kernel` serves side by side; more are strided over."""


@dataclass(frozen=True, slots=True)
class ShrinkPlan:
    """`s[p, t, r] = Σ_k x[t, k] w[r, k]`, one plane p per chunk of the width."""

    arch: str
    block_k: int
    block_r: int
    chunk: int  # columns of x per plane, a multiple of block_k
    planes: int
    stages: int

    def constants(self, width: int, rank: int, block_m: int) -> dict[str, int]:
        """Return the compile-time arguments of `lora_shrink_kernel`."""
        return {
            "RANK": rank,
            "CHUNK": self.chunk,
            "BLOCK_M": block_m,
            "BLOCK_K": self.block_k,
            "BLOCK_R": self.block_r,
            "EVEN_K": width % self.block_k == 0,
            "num_warps": _warps(block_m, self.arch),
            "num_stages": self.stages,
        } | _registers(
            self.stages, width % self.block_k == 0, _warps(block_m, self.arch), self.arch
        )


@dataclass(frozen=True, slots=True)
class ExpandPlan:
    """`out[t, n] += c · Σ_r s[t, r] w[r, n]`, several column tiles per program."""

    arch: str
    block_n: int
    block_r: int
    stages: int

    def constants(self, width: int, rank: int, block_m: int) -> dict[str, int]:
        """Return the compile-time arguments of `lora_expand_kernel`."""
        return {
            "RANK": rank,
            "BLOCK_M": block_m,
            "BLOCK_N": self.block_n,
            "BLOCK_R": self.block_r,
            "EVEN_N": width % self.block_n == 0,
            "num_warps": _warps(block_m, self.arch),
            "num_stages": self.stages,
        } | _registers(
            self.stages, width % self.block_n == 0, _warps(block_m, self.arch), self.arch
        )


@dataclass(frozen=True, slots=True)
class GradPlan:
    """`grad[slot, r, d] = c · Σ_t s[t, r] rows[t, d]`, over the tokens of a segment."""

    arch: str
    block_t: int
    block_d: int
    block_r: int
    stages: int
    warps: int

    def constants(self, width: int, rank: int) -> dict[str, int]:
        """Return the compile-time arguments of `lora_grad_kernel`."""
        return {
            "RANK": rank,
            "BLOCK_T": self.block_t,
            "BLOCK_D": self.block_d,
            "BLOCK_R": self.block_r,
            "EVEN_D": width % self.block_d == 0,
            "num_warps": self.warps,
            "num_stages": self.stages,
        } | _registers(self.stages, width % self.block_d == 0, self.warps, self.arch)


@lru_cache(maxsize=1024)
def shrink_plan(width: int, rank: int, dtype: torch.dtype, arch: str) -> ShrinkPlan:
    """Choose the tiles of `lora_shrink_kernel`; wide ranks take narrower ones.

    Args:
        width: columns of x.
        rank: R of the slab.
        dtype: of the operands.
        arch: a key of the plan tables, as `arch_of` gives it.
    """
    block_r = _block_rank(rank)
    if dtype == torch.float32 or _ragged(width) or block_r == 128:
        block_k = 32
    else:
        block_k = 128 if block_r <= 32 else 64
    chunk = 1024 if block_r <= 32 else 2048
    planes = min(8, max(1, _cdiv(width, chunk)))
    chunk = _cdiv(_cdiv(width, planes), block_k) * block_k
    return ShrinkPlan(
        arch, block_k, block_r, chunk, _cdiv(width, chunk), _stages(width, dtype, arch, 3)
    )


@lru_cache(maxsize=1024)
def expand_plan(width: int, rank: int, dtype: torch.dtype, arch: str) -> ExpandPlan:
    """Choose the tiles of `lora_expand_kernel`; wide ranks take narrower ones.

    Args:
        width: columns of the output.
        rank: R of the slab.
        dtype: of the operands.
        arch: as for `shrink_plan`.
    """
    block_r = _block_rank(rank)
    block_n = 32 if block_r >= 32 else 64
    if dtype == torch.float32 or _ragged(width):
        block_n //= 2
    return ExpandPlan(arch, block_n, block_r, _stages(width, dtype, arch, 2))


@lru_cache(maxsize=1024)
def grad_plan(width: int, rank: int, dtype: torch.dtype, arch: str) -> GradPlan:
    """Choose the tiles of `lora_grad_kernel`; wide ranks take narrower ones.

    Args:
        width: columns of the rows.
        rank: R of the slab.
        dtype: of the operands.
        arch: as for `shrink_plan`.
    """
    block_r = _block_rank(rank)
    block_d = 128 if block_r <= 64 else 64
    if dtype == torch.float32 or _ragged(width):
        block_d = 32 if block_r <= 64 else 16
    return GradPlan(
        arch, 32, block_d, block_r, _stages(width, dtype, arch, 3), 4 if block_r <= 32 else 2
    )


def row_block(num_tokens: int, max_segments: int, width: int, rank: int, dtype: torch.dtype) -> int:
    """Return 64 rows a block where segments are long on average, else 16.

    Bits do not depend on it. fp32 has no matrix instruction, 128 ranks have twice the sums, and
    ragged widths a mask per lane. 64 rows of those do not fit the registers of two warps.
    """
    small, large = BLOCK_SIZES
    if dtype == torch.float32 or width % 128 or _block_rank(rank) == MAX_RANK:
        return small
    return large if num_tokens >= (large // 2) * max(max_segments, 1) else small


def column_groups(width: int, block_n: int, block_m: int, capacity: int) -> tuple[int, int]:
    """Return programs side by side over the columns of `lora_expand`, and columns of each.

    Args:
        width: columns of the output.
        block_n: columns of a tile.
        block_m: tokens of a block.
        capacity: blocks that the tables have room for.
    """
    tiles = _cdiv(width, block_n)
    groups = min(tiles, max(1, _cdiv(programs(block_m), capacity)))
    columns = _cdiv(tiles, groups) * block_n
    return _cdiv(width, columns), columns


def planes(width: int, rank: int, dtype: torch.dtype, device: torch.device) -> int:
    """Return P of `lora_shrink`'s s `[P, T, R]` under impl="triton"."""
    # int: under dynamic shapes a graph is specialised to the adapters' sizes
    return shrink_plan(int(width), int(rank), dtype, arch_of(device)).planes


def _warps(block_m: int, arch: str) -> int:
    # 64 rows on 4 warps would become wgmma on sm_90 and tcgen05 on sm_100; AMD has neither
    return 4 if block_m == BLOCK_SIZES[0] or arch.startswith("gfx") else 2


def _block_rank(rank: int) -> int:
    if not 1 <= rank <= MAX_RANK:
        raise ArgumentError(
            f"impl='triton' needs a rank from 1 to {MAX_RANK}, got {rank}: pass impl='torch'"
        )
    return max(16, 1 << (rank - 1).bit_length())


def _ragged(width: int) -> bool:
    return width % 16 != 0


def _registers(stages: int, even: bool, warps: int, arch: str) -> dict[str, int]:
    # without a bound of its own ptxas spills a few bytes to reach a rounder occupancy
    odd = stages == 1 or (warps == 4 and not even)
    return {"maxnreg": 168 if warps == 4 else 255} if odd and arch.startswith("sm_") else {}


def _stages(width: int, dtype: torch.dtype, arch: str, wanted: int) -> int:
    if dtype == torch.float32 or _ragged(width):
        return 1  # `fma` and rows without vectors: a pipeline would cost registers, and spills
    # AMD's pipeliner keeps a whole tile per stage in 64 KB of shared memory
    return 2 if arch.startswith("gfx") else wanted


def _cdiv(a: int, b: int) -> int:
    return -(-a // b)
