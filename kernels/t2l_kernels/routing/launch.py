"""Launches of the route kernels: no host sync, tables of fixed capacity."""

import torch
from torch import Tensor

from t2l_kernels._core.arch import BLOCK_SIZES
from t2l_kernels._core.checks import ArgumentError
from t2l_kernels.routing.kernel import (
    route_blocks_kernel,
    route_order_kernel,
    route_tables_kernel,
)
from t2l_kernels.routing.tables import block_capacity

SORTED_IN_KERNEL = 512
"""Items that one program ranks by itself (n² comparisons); more are sorted by torch."""

CUT_IN_KERNEL = 1024
"""Blocks of 16 tokens that it cuts too; longer tables get programs of their own."""
CUT_CHUNK = 256


def build(
    slots: Tensor, lengths: Tensor | None, seq_len: int, num_tokens: int, max_segments: int
) -> list[Tensor]:
    """Build `Route`'s tables on the device: segments ascend by slot, one per slot.

    Args:
        slots: `[n]`, one per item.
        lengths: `[n]` tokens of each item; None: `seq_len` each.
        num_tokens: T.
    """
    n = slots.shape[0]
    slots = slots.to(torch.int32, memory_format=torch.contiguous_format)
    if num_tokens == 0:
        slots = slots[:0]
        n = 0

    def table(*shape: int, dtype: torch.dtype = torch.int32) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=slots.device)

    one_each = lengths is None and seq_len == 1
    small, large = (block_capacity(num_tokens, max_segments, size) for size in BLOCK_SIZES)
    segment_slots, segment_starts = table(max_segments), table(max_segments + 1)
    stretches, summary = table(max_segments), table(7)
    blocks_small, blocks_large = table(3, small), table(3, large)
    in_kernel = n <= SORTED_IN_KERNEL
    if in_kernel:
        item_order = table(n, dtype=torch.int64)
    else:
        item_order = slots.sort(stable=True).indices
    item_starts, ends = table(n), table(2, max_segments)
    cut = small <= CUT_IN_KERNEL
    steps = max_segments.bit_length() + 1
    lengths = None if lengths is None else lengths.to(torch.int32).contiguous()
    with torch.cuda.device_of(slots):
        route_tables_kernel[(1,)](
            slots,
            lengths,
            seq_len,
            item_order,
            item_starts,
            segment_slots,
            segment_starts,
            stretches,
            summary,
            ends,
            blocks_small,
            blocks_large,
            n,
            max_segments,
            small,
            large,
            steps,
            SORT=in_kernel,
            HAS_LENGTHS=lengths is not None,
            SMALL=BLOCK_SIZES[0],
            LARGE=BLOCK_SIZES[1],
            CUT=cut,
            CHUNK=_few(n, SORTED_IN_KERNEL),
            num_warps=4,
        )
        for index, blocks in enumerate(() if cut else (blocks_small, blocks_large)):
            route_blocks_kernel[(-(-blocks.shape[1] // CUT_CHUNK),)](
                segment_slots,
                segment_starts,
                summary,
                summary[3 + index :],
                ends[index],
                blocks,
                blocks.shape[1],
                steps,
                SIZE=BLOCK_SIZES[index],
                CHUNK=CUT_CHUNK,
                num_warps=4,
            )
    if slots.device.type == "cpu":
        _check_segments(slots, max_segments)
    if one_each:
        token_slots, order = slots.clone(), item_order
    else:
        token_slots, order = table(num_tokens), table(num_tokens, dtype=torch.int64)
        first_tokens = None
        if lengths is not None:
            first_tokens = lengths.cumsum(0, dtype=torch.int64) - lengths
        if n:
            per_item = max(1, min(64, num_tokens // max(n, 1) // 1024 + 1))
            with torch.cuda.device_of(slots):
                route_order_kernel[(n, per_item)](
                    slots,
                    lengths,
                    first_tokens,
                    seq_len,
                    item_order,
                    item_starts,
                    order,
                    token_slots,
                    num_tokens,
                    HAS_LENGTHS=lengths is not None,
                    CHUNK=_few(num_tokens // n, 1024),
                    num_warps=4,
                )
    return [
        token_slots, order, segment_slots, segment_starts, stretches, summary,
        blocks_small, blocks_large,
    ]  # fmt: skip


def _few(count: int, most: int) -> int:
    # two sizes, not one per power of two: each is compiled once
    return 64 if count <= 64 else most


def _check_segments(slots: Tensor, max_segments: int) -> None:
    # a GPU is not asked: its kernel asserts, where TRITON_DEBUG=1 asks it to
    different = len(set(slots.tolist()))
    if different > max_segments:
        raise ArgumentError(
            f"max_segments must be at least the {different} different slots, got {max_segments}"
        )
