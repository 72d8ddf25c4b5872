"""The oracle: tables by plain loops over lists."""

import torch
from torch import Tensor

from t2l_kernels._core.arch import BLOCK_SIZES
from t2l_kernels._core.checks import ArgumentError
from t2l_kernels.routing.tables import block_capacity


def build(
    slots: Tensor, lengths: Tensor | None, seq_len: int, num_tokens: int, max_segments: int
) -> list[Tensor]:
    """Build `Route`'s tables by loops: segments ascend by slot, one per slot.

    Raises:
        ArgumentError: more segments than `max_segments`.
    """
    sizes = [seq_len] * slots.shape[0] if lengths is None else lengths.tolist()
    token_slots = [s for s, size in zip(slots.tolist(), sizes, strict=True) for _ in range(size)]
    order = sorted(range(num_tokens), key=lambda token: token_slots[token])
    present = sorted(set(token_slots))
    if len(present) > max_segments:
        raise ArgumentError(
            f"max_segments must be at least the {len(present)} different slots, got {max_segments}"
        )
    starts = [0]
    tables: list[list[tuple[int, int, int]]] = [[] for _ in BLOCK_SIZES]
    for slot in present:
        stop = starts[-1] + token_slots.count(slot)
        for size, blocks in zip(BLOCK_SIZES, tables, strict=True):
            if slot >= 0:
                edges = range(starts[-1], stop, size)
                blocks += [(slot, start, min(start + size, stop)) for start in edges]
        starts.append(stop)
    used = len(present)
    bare = sum(slot < 0 for slot in token_slots)
    unused = max_segments - used

    def table(values: list, dtype: torch.dtype = torch.int32) -> Tensor:
        return torch.tensor(values, dtype=dtype, device=slots.device)

    def block_table(blocks: list[tuple[int, int, int]], size: int) -> Tensor:
        free = block_capacity(num_tokens, max_segments, size) - len(blocks)
        return table(blocks + [(-1, -1, -1)] * free).view(-1, 3).T.contiguous()

    return [
        table(token_slots),
        table(order, torch.int64),
        table(present + [-1] * unused),
        table(starts + [num_tokens] * unused),
        table([1] * used + [0] * unused),
        table([used, used, 0, *map(len, tables), bare, num_tokens]),
        *[block_table(b, size) for b, size in zip(tables, BLOCK_SIZES, strict=True)],
    ]
