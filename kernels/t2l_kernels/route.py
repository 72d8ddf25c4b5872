"""Route: which adapter each token uses, sorted into segments that every layer reuses.

    token_slots    2 0 0 -1 2 0        one slot per token, -1 = no adapter
    order          3 | 0 4 | 1 2 5     stable sort: tokens of one slot lie together
    segments      -1 |  2  |   0       shorter segments first, so equal lengths lie together
    stretches      1    1      1       neighbours of equal length: one batched matmul can serve them

All tables have fixed capacities (`max_segments`), so their shapes never depend on the data.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from t2l_kernels.checks import ArgumentError, check_dtype, check_shape
from t2l_kernels.library import define

LONG_RUN = 8
"""Mean tokens per run from which tokens stay in place. Measured (DESIGN.md, "torch path"): below it
one gather of the rows and a batched matmul beat a matmul per segment, above it the gather costs
more."""


@dataclass(frozen=True, slots=True)
class BlockTable:
    """Blocks of at most `block_size` tokens, none across two segments; unused entries are −1."""

    block_segments: Tensor  # [T // block_size + max_segments] int32, index of the segment
    block_starts: Tensor  # [same] int32, first position in `Route.order`
    num_blocks: Tensor  # [1] int32
    block_size: int


@dataclass(frozen=True, slots=True)
class Route:
    """Tokens grouped by adapter: one per leading shape and forward pass, read by every layer."""

    token_slots: Tensor  # [T] int32, −1 = no adapter
    order: Tensor  # [T] int64, order[p] = token at sorted position p
    segment_slots: Tensor  # [max_segments] int32, unused entries −1
    segment_starts: Tensor  # [max_segments + 1] int32 positions in `order`, unused entries T
    stretches: Tensor  # [max_segments] int32, segments per batched matmul, unused entries 0
    summary: Tensor  # [3] int32: segments in use, stretches in use, 1 if `order` is the identity

    @classmethod
    def from_tokens(cls, token_slots: Tensor, *, max_segments: int | None = None) -> "Route":
        """Route from one slot per token, `token_slots` `[T]` (any integer dtype).

        Raises:
            ArgumentError: wrong rank or dtype, or more segments than `max_segments`.
        """
        check_shape("token_slots", token_slots, "[T]", (None,))
        return cls._build(token_slots, 1, max_segments or token_slots.shape[0])

    @classmethod
    def from_sequences(
        cls, slots: Tensor, seq_len: int | Tensor, *, max_segments: int | None = None
    ) -> "Route":
        """Route from one slot per sequence, `slots` `[B]`, and its length in tokens (int, or
        `[B]`).

        Raises:
            ArgumentError: wrong rank or dtype, or more segments than `max_segments`.
        """
        check_shape("slots", slots, "[B]", (None,))
        if isinstance(seq_len, Tensor):
            check_shape("seq_len", seq_len, "[B]", (slots.shape[0],))
            token_slots = slots.repeat_interleave(seq_len)
            return cls._build(token_slots, 1, max_segments or slots.shape[0])
        return cls._build(slots, seq_len, max_segments or slots.shape[0])

    @classmethod
    def _build(cls, slots: Tensor, tokens_per_slot: int, max_segments: int) -> "Route":
        check_dtype("slots", slots, torch.int32, torch.int64, torch.int16, torch.int8)
        return cls(*_build_route(slots, tokens_per_slot, max_segments))

    @property
    def num_tokens(self) -> int:
        return self.token_slots.shape[0]

    def tensors(self) -> list[Tensor]:
        """The tables as the list that operators take; `Route(*tensors)` is the way back."""
        return [
            self.token_slots,
            self.order,
            self.segment_slots,
            self.segment_starts,
            self.stretches,
            self.summary,
        ]

    def blocks(self, block_size: int) -> BlockTable:
        """Cut the routed segments into blocks of at most `block_size` tokens; slot −1 has none."""
        starts = self.segment_starts.long()
        lengths = starts.diff() * (self.segment_slots >= 0)
        counts = (lengths + block_size - 1) // block_size
        capacity = self.num_tokens // block_size + self.segment_slots.shape[0]
        index = torch.arange(capacity, device=starts.device)
        ends = counts.cumsum(0)
        total = counts.sum().reshape(1)
        segment = torch.searchsorted(ends, index, right=True)
        used = index < total
        segment = segment.clamp(max=max(counts.shape[0] - 1, 0))
        first_block = (ends - counts)[segment]
        block_starts = starts[segment] + (index - first_block) * block_size
        return BlockTable(
            block_segments=torch.where(used, segment, -1).int(),
            block_starts=torch.where(used, block_starts, -1).int(),
            num_blocks=total.int(),
            block_size=block_size,
        )


def _build(slots: Tensor, tokens_per_slot: int, max_segments: int) -> list[Tensor]:
    token_slots = slots.to(torch.int32)
    if tokens_per_slot != 1:
        token_slots = token_slots.repeat_interleave(tokens_per_slot)
    elif token_slots is slots:
        token_slots = slots.clone()
    num_tokens = token_slots.shape[0]
    order = torch.arange(num_tokens, device=slots.device)
    values, counts = token_slots.unique_consecutive(return_counts=True)
    in_place = values.shape[0] * LONG_RUN <= num_tokens
    if not in_place:
        ordered, by_slot = token_slots.sort(stable=True)
        values, counts = ordered.unique_consecutive(return_counts=True)
        by_length = torch.where(values < 0, 0, counts).argsort(stable=True)
        rank = torch.empty_like(by_length).scatter_(0, by_length, order[: by_length.shape[0]])
        sorted_order = by_slot[rank.repeat_interleave(counts).argsort(stable=True)]
        values, counts = values[by_length], counts[by_length]
        in_place = torch.equal(sorted_order, order)
        order = sorted_order
    num_segments = values.shape[0]
    if num_segments > max_segments:
        raise ArgumentError(
            f"max_segments must be at least the {num_segments} runs of equal slots, got "
            f"{max_segments}"
        )
    segment_slots = token_slots.new_full((max_segments,), -1)
    segment_slots[:num_segments] = values
    segment_starts = token_slots.new_full((max_segments + 1,), num_tokens)
    segment_starts[:1] = 0
    segment_starts[1 : num_segments + 1] = counts.cumsum(0)
    stretch_sizes = _stretches(values, counts)
    stretches = token_slots.new_zeros(max_segments)
    stretches[: stretch_sizes.shape[0]] = stretch_sizes
    summary = token_slots.new_tensor([num_segments, stretch_sizes.shape[0], int(in_place)])
    return [token_slots, order, segment_slots, segment_starts, stretches, summary]


def _stretches(values: Tensor, counts: Tensor) -> Tensor:
    """Sizes of the stretches: neighbours of equal length."""
    joins = counts[1:] == counts[:-1]
    joins &= values[:-1] >= 0
    joins &= values[1:] >= 0
    label = torch.zeros_like(counts)
    label[1:] = (~joins).cumsum(0)
    return label.unique_consecutive(return_counts=True)[1]


def _build_fake(slots: Tensor, tokens_per_slot: int, max_segments: int) -> list[Tensor]:
    num_tokens = slots.shape[0] * tokens_per_slot
    table = slots.new_empty
    return [
        table((num_tokens,), dtype=torch.int32),
        table((num_tokens,), dtype=torch.int64),
        table((max_segments,), dtype=torch.int32),
        table((max_segments + 1,), dtype=torch.int32),
        table((max_segments,), dtype=torch.int32),
        table((3,), dtype=torch.int32),
    ]


_build_route = define(
    "build_route(Tensor slots, SymInt tokens_per_slot, SymInt max_segments) -> Tensor[]",
    _build,
    _build_fake,
)
