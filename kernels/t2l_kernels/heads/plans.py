"""Tiles of the head's GEMM: from (h, dtype, arch) and what is added, one argued default, untuned.

Tiles of 128 × 128 × 64 keep the tensor cores of sm_80 (mma) and gfx942 (mfma) busy. K is 512 to
2048, so three stages hide the loads. On sm_90 (wgmma) and sm_100 (tcgen05) the L2 feeds such tiles
too slowly: 128 × 256 asks for a quarter less. Rows are (layer, adapter) pairs. One adapter of 32
layers fills a quarter of a tile, and then the weight's one reading is the cost.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """Tile sizes, warps and pipeline stages of `head_into_slots_kernel`."""

    block_m: int
    block_n: int
    block_k: int
    warps: int
    stages: int

    def constants(self, width: int, h: int, latent_rows: int, parts: int) -> dict[str, int]:
        """Return the compile-time arguments of `head_into_slots_kernel`.

        Args:
            latent_rows: rank rows of the latents, 1 or R.
            parts: rank rows of the weight, 1 or R.
        """
        return {
            "RANK": max(latent_rows, parts),
            "H": h,
            "LATENT_ROWS": latent_rows,
            "RANK_IN_ROWS": latent_rows > parts,
            "EVEN_N": width % self.block_n == 0,
            "EVEN_K": h % self.block_k == 0,
            "BLOCK_M": self.block_m,
            "BLOCK_N": self.block_n,
            "BLOCK_K": self.block_k,
            "num_warps": self.warps,
            "num_stages": self.stages,
        }


def head_plan(h: int, dtype: torch.dtype, arch: str, *, extras: bool = False) -> HeadPlan:
    """Choose the tiles of `head_into_slots_kernel`.

    Args:
        h: what the heads read, the inner dimension.
        dtype: of latents and weight.
        arch: a key of the plan tables, as `arch_of` gives it.
        extras: offset, mean or std are added per element, whose registers a wider tile lacks.
    """
    if dtype == torch.float32:
        return HeadPlan(64, 64, 32, 8, 2)
    if h % 16:
        # unaligned rows are loaded element by element, and hold an address each
        return HeadPlan(64, 64, 32, 8, 2)
    if arch in ("sm_90", "sm_100") and not extras:
        return HeadPlan(128, 256, 64, 8, 3)
    return HeadPlan(128, 128, 64, 8, 2 if arch.startswith("gfx") else 3)
