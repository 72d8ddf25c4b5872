"""Route: which adapter each token uses, sorted into segments that every layer reuses.

    token_slots    2 0 0 -1 2 0        one slot per token, -1 = no adapter
    order          3 | 1 2 5 | 0 4     stable sort: tokens of one slot lie together
    segments      -1 |   0   |  2
    blocks             0       2       segments cut into blocks of 16 and of 64 tokens

All tables have fixed capacities (`max_segments`). Their shapes never depend on the data, and the
kernels' builder never waits for the device. The builder of impl="torch" sorts segments by length
and has no blocks: its matmuls want `stretches`, neighbours of equal length.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from t2l_kernels._core.arch import BLOCK_SIZES
from t2l_kernels._core.checks import ArgumentError, check_device, check_dtype, check_shape
from t2l_kernels._core.impl import Impl
from t2l_kernels.routing.library import build_route


@dataclass(frozen=True, slots=True)
class BlockTable:
    """Blocks of at most `block_size` tokens, none across two segments, none of slot −1."""

    table: Tensor  # [3, capacity] int32: slot, first position in `Route.order`, position after it
    num_blocks: Tensor  # [1] int32; entries from here on are −1
    block_size: int


@dataclass(frozen=True, slots=True)
class Route:
    """Tokens grouped by adapter: one per leading shape and forward pass, read by every layer."""

    token_slots: Tensor  # [T] int32, −1 = no adapter
    order: Tensor  # [T] int64, order[p] = token at sorted position p
    segment_slots: Tensor  # [max_segments] int32, unused entries −1
    segment_starts: Tensor  # [max_segments + 1] int32 positions in `order`, unused entries T
    stretches: Tensor  # [max_segments] int32, segments per batched matmul, unused entries 0
    summary: Tensor  # [7] int32: segments, stretches, 1 if `order` is the identity, small and large
    # blocks, and where positions with an adapter begin and end (the last four: kernels only)
    small_blocks: Tensor  # [3, capacity] int32 (BlockTable.table), 16 tokens; torch: [3, 0]
    large_blocks: Tensor  # [3, capacity] int32, 64 tokens; torch: [3, 0]
    plans: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    # what torch worked out for it, by shapes and live ranks; every layer reads it again

    @classmethod
    def from_tokens(
        cls, token_slots: Tensor, *, max_segments: int | None = None, impl: Impl = "auto"
    ) -> "Route":
        """Route from one slot per token.

        Args:
            token_slots: `[T]`, any integer dtype.
            max_segments: bound of the different slots; a tight one makes smaller tables and
                larger blocks. More slots than that are an error on the CPU, and on a GPU with
                TRITON_DEBUG=1. Without it a GPU gives the highest slots no adapter.
            impl: "auto", "triton", "torch" or "reference": the one that will read the route.

        Raises:
            ArgumentError: wrong rank or dtype, or more segments than `max_segments`.
        """
        check_shape("token_slots", token_slots, "[T]", (None,))
        num_tokens = token_slots.shape[0]
        return cls._build(token_slots, None, 1, num_tokens, max_segments, impl)

    @classmethod
    def from_sequences(
        cls,
        slots: Tensor,
        seq_len: int | Tensor,
        *,
        num_tokens: int | None = None,
        max_segments: int | None = None,
        impl: Impl = "auto",
    ) -> "Route":
        """Route from one slot per sequence; only sequences are sorted.

        Args:
            slots: `[B]`, any integer dtype.
            seq_len: tokens of each sequence, int or `[B]`.
            num_tokens: the sum of a tensor `seq_len`; without it the device is asked, and waited
                for.
            max_segments: as for `from_tokens`; B by default.
            impl: as for `from_tokens`.

        Raises:
            ArgumentError: wrong rank or dtype, or more segments than `max_segments`.
        """
        check_shape("slots", slots, "[B]", (None,))
        if not isinstance(seq_len, Tensor):
            if seq_len < 0:
                raise ArgumentError(f"seq_len must be 0 or more tokens, got {seq_len}")
            num_tokens = slots.shape[0] * seq_len
            return cls._build(slots, None, seq_len, num_tokens, max_segments, impl)
        check_shape("seq_len", seq_len, "[B]", (slots.shape[0],))
        check_dtype("seq_len", seq_len, torch.int32, torch.int64)
        check_device("seq_len", seq_len, slots.device, "slots")
        if seq_len.device.type == "cpu" and (seq_len < 0).any():  # a GPU is not asked
            raise ArgumentError(f"seq_len must be 0 or more tokens, got {int(seq_len.min())}")
        if num_tokens is None:
            num_tokens = int(seq_len.sum())
        elif seq_len.device.type == "cpu" and int(seq_len.sum()) != num_tokens:
            raise ArgumentError(
                f"num_tokens must be the sum of seq_len, {int(seq_len.sum())}, got {num_tokens}"
            )
        return cls._build(slots, seq_len, 0, num_tokens, max_segments, impl)

    @classmethod
    def _build(
        cls,
        slots: Tensor,
        lengths: Tensor | None,
        seq_len: int,
        num_tokens: int,
        max_segments: int | None,
        impl: str,
    ) -> "Route":
        check_dtype("slots", slots, torch.int32, torch.int64, torch.int16, torch.int8)
        bound = slots.shape[0] if max_segments is None else max_segments
        if bound < 1 and num_tokens > 0:
            raise ArgumentError(
                f"max_segments must be at least 1 for {num_tokens} tokens, got {bound}"
            )
        return cls(*build_route(slots, lengths, seq_len, num_tokens, bound, impl))

    @property
    def num_tokens(self) -> int:
        """T, the tokens of the route."""
        return self.token_slots.shape[0]

    @property
    def max_segments(self) -> int:
        """Segments that the tables have room for."""
        return self.segment_slots.shape[0]

    def tensors(self) -> list[Tensor]:
        """Return the tables as the list that operators take; `Route(*tensors)` is the way back."""
        return [
            self.token_slots,
            self.order,
            self.segment_slots,
            self.segment_starts,
            self.stretches,
            self.summary,
            self.small_blocks,
            self.large_blocks,
        ]

    def block_table(self, block_size: int) -> Tensor:
        """Return `BlockTable.table` of this size.

        Raises:
            ArgumentError: no such size, or the route was built for impl="torch".
        """
        if block_size not in BLOCK_SIZES:
            raise ArgumentError(f"block_size must be one of {BLOCK_SIZES}, got {block_size}")
        table = self.small_blocks if block_size == BLOCK_SIZES[0] else self.large_blocks
        if self.num_tokens and not table.shape[1]:
            raise ArgumentError(
                "route must have block tables, got one built for impl='torch': build it with "
                "impl='triton' (impl='auto' builds for where the slots are)"
            )
        return table

    def blocks(self, block_size: int) -> BlockTable:
        """Return the routed segments cut into blocks of at most `block_size` tokens.

        Raises:
            ArgumentError: no such size, or the route was built for impl="torch".
        """
        table = self.block_table(block_size)
        index = 3 + BLOCK_SIZES.index(block_size)
        return BlockTable(table, self.summary[index : index + 1], block_size)
