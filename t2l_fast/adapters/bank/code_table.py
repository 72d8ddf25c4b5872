"""CodeTable: codes of one generator side by side, in little more than their bytes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_BLOCK_BYTES = 1 << 24


class CodeTable:
    """Rows of one shape and dtype in blocks that never move; freed rows are reused.

    Args:
        shape: of one code.
        dtype: as stored.
    """

    def __init__(self, shape: Sequence[int], dtype: torch.dtype) -> None:
        self.shape, self.dtype = tuple(shape), dtype
        each = max(1, torch.Size(self.shape).numel() * dtype.itemsize)
        self._per_block = max(1, min(1 << 14, _BLOCK_BYTES // each))
        self._blocks: list[Tensor] = []
        self._used = 0
        self._free: list[int] = []

    def add(self, codes: Tensor) -> list[int]:
        """Copy `[N, *shape]` codes in and return the row of each."""
        rows = [self._free.pop() for _ in range(min(len(self._free), len(codes)))]
        for row, code in zip(rows, codes, strict=False):
            self[row].copy_(code)
        done = len(rows)
        while done < len(codes):
            block, first = divmod(self._used, self._per_block)
            if block == len(self._blocks):  # pages are taken as they are written
                self._blocks.append(torch.empty(self._per_block, *self.shape, dtype=self.dtype))
            count = min(self._per_block - first, len(codes) - done)
            self._blocks[block][first : first + count] = codes[done : done + count]
            rows.extend(range(self._used, self._used + count))
            self._used += count
            done += count
        return rows

    def __getitem__(self, row: int) -> Tensor:
        """Return a view of one code."""
        block, place = divmod(row, self._per_block)
        return self._blocks[block][place]

    def remove(self, rows: Sequence[int]) -> None:
        """Free rows for codes to come."""
        self._free.extend(rows)
