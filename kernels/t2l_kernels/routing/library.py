"""Building a route as one torch.library op, so that `torch.compile` sees a single node."""

import torch
from torch import Tensor

from t2l_kernels._core.arch import BLOCK_SIZES
from t2l_kernels._core.impl import resolve_impl
from t2l_kernels._core.register import define
from t2l_kernels.routing import reference, torch_impl
from t2l_kernels.routing.tables import block_capacity


def _build(
    slots: Tensor,
    lengths: Tensor | None,
    seq_len: int,
    num_tokens: int,
    max_segments: int,
    impl: str,
) -> list[Tensor]:
    chosen = resolve_impl(impl, slots.device)
    if chosen == "triton":
        from t2l_kernels.routing import launch as builder
    else:
        builder = {"torch": torch_impl, "reference": reference}[chosen]
    return builder.build(slots, lengths, seq_len, num_tokens, max_segments)


def _build_fake(
    slots: Tensor,
    lengths: Tensor | None,
    seq_len: int,
    num_tokens: int,
    max_segments: int,
    impl: str,
) -> list[Tensor]:
    blocks = [0, 0]
    if resolve_impl(impl, slots.device) != "torch":
        blocks = [block_capacity(num_tokens, max_segments, size) for size in BLOCK_SIZES]
    shapes = [(num_tokens,), (max_segments,), (max_segments + 1,), (max_segments,), (7,)]
    shapes += [(3, blocks[0]), (3, blocks[1])]
    tables = [slots.new_empty(shape, dtype=torch.int32) for shape in shapes]
    return [tables[0], slots.new_empty((num_tokens,), dtype=torch.int64), *tables[1:]]


build_route = define(
    "build_route(Tensor slots, Tensor? lengths, SymInt seq_len, SymInt num_tokens, "
    "SymInt max_segments, str impl) -> Tensor[]",
    _build,
    _build_fake,
)
