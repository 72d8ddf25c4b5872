"""Bytes and FLOPs of the L1 kernels in the words of `t2l_kernels.lora.cost`."""

import torch

from t2l_kernels._core.roofline import Cost
from t2l_kernels.recon.plans import l1_plan


def l1_pass(
    entries: int,
    ranks: tuple[int, int],
    sides: tuple[int, int],
    dtype: torch.dtype,
    arch: str,
    *,
    grad: bool = False,
) -> Cost:
    """Model one launch: forward over (in, out), backward over both orders of the sides.

    Args:
        entries: products in the batch.
        ranks: of the prediction and of the target.
        sides: the tiled side and the side that each program walks.
    """
    rank, target_rank = ranks
    width, length = sides
    size = dtype.itemsize
    tiles = -(-width // l1_plan(width, length, rank, target_rank, dtype, arch).block_d)
    programs = entries * tiles
    written = entries * rank * width * size if grad else 4 * programs
    both = rank + target_rank
    return Cost(
        least=entries * both * (width + length) * size + written,
        issued=entries * both * (width + tiles * length) * size
        + written
        + (4 * programs if grad else 0),
        flops=2 * entries * width * length * (both + (rank if grad else 0)),
        launches=1,
        programs=programs,
        useful=programs,
    )
