"""Routes by torch operations, for one batched matmul per stretch of equal segments.

Reads sizes on the host, so a GPU waits for it; the kernels have their own builder.
"""

import torch
from torch import Tensor

from t2l_kernels._core.checks import ArgumentError

LONG_RUN = 8
"""Mean tokens per run from which tokens stay in place.

Measured: below it one gather of the rows and a batched matmul beat a matmul per segment. Above it
the gather costs more.
"""


def build(
    slots: Tensor, lengths: Tensor | None, seq_len: int, num_tokens: int, max_segments: int
) -> list[Tensor]:
    """Build `Route`'s tables with shorter segments first.

    Long runs stay in place, and a slot may have several.

    Raises:
        ArgumentError: more segments than `max_segments`.
    """
    token_slots = slots.to(torch.int32)
    if lengths is not None or seq_len != 1:
        sizes = seq_len if lengths is None else lengths
        token_slots = token_slots.repeat_interleave(sizes, output_size=num_tokens)
    elif token_slots is slots:
        token_slots = slots.clone()
    order = torch.arange(num_tokens, device=slots.device)
    values, counts = token_slots.unique_consecutive(return_counts=True)
    in_place = values.shape[0] <= min(max_segments, num_tokens // LONG_RUN)
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
            f"max_segments must be at least the {num_segments} different slots, got {max_segments}"
        )
    segment_slots = token_slots.new_full((max_segments,), -1)
    segment_slots[:num_segments] = values
    segment_starts = token_slots.new_full((max_segments + 1,), num_tokens)
    segment_starts[:1] = 0
    segment_starts[1 : num_segments + 1] = counts.cumsum(0)
    stretch_sizes = _stretches(values, counts)
    stretches = token_slots.new_zeros(max_segments)
    stretches[: stretch_sizes.shape[0]] = stretch_sizes
    summary = [num_segments, stretch_sizes.shape[0], int(in_place), 0, 0, 0, 0]
    no_blocks = token_slots.new_empty((3, 0))
    return [
        token_slots, order, segment_slots, segment_starts, stretches,
        token_slots.new_tensor(summary), no_blocks, no_blocks.clone(),
    ]  # fmt: skip


def _stretches(values: Tensor, counts: Tensor) -> Tensor:
    """Sizes of the stretches: neighbours of equal length."""
    joins = counts[1:] == counts[:-1]
    joins &= values[:-1] >= 0
    joins &= values[1:] >= 0
    label = torch.zeros_like(counts)
    label[1:] = (~joins).cumsum(0)
    return label.unique_consecutive(return_counts=True)[1]
