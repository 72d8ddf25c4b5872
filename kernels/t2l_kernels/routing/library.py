"""Building a route as one torch.library op, so that `torch.compile` sees a single node."""

from types import SimpleNamespace

import torch
from torch import Tensor

from t2l_kernels._core.arch import BLOCK_SIZES
from t2l_kernels._core.impl import resolve_impl
from t2l_kernels._core.register import operator
from t2l_kernels.routing import reference, torch_impl
from t2l_kernels.routing.tables import block_capacity


def _build_fake(call: SimpleNamespace) -> list[Tensor]:
    blocks = [0, 0]
    if resolve_impl(call.impl, call.slots.device) != "torch":
        blocks = [block_capacity(call.num_tokens, call.max_segments, size) for size in BLOCK_SIZES]
    shapes = [
        (call.num_tokens,),
        (call.max_segments,),
        (call.max_segments + 1,),
        (call.max_segments,),
        (7,),
    ]
    shapes += [(3, blocks[0]), (3, blocks[1])]
    tables = [call.slots.new_empty(shape, dtype=torch.int32) for shape in shapes]
    return [tables[0], call.slots.new_empty((call.num_tokens,), dtype=torch.int64), *tables[1:]]


@operator("build_route", fake=_build_fake)
def build_route(
    slots: Tensor,
    lengths: Tensor | None,
    seq_len: int,
    num_tokens: int,
    max_segments: int,
    impl: str,
) -> list[Tensor]:
    """Return `Route`'s tables in the order of its fields."""
    chosen = resolve_impl(impl, slots.device)
    if chosen == "triton":
        from t2l_kernels.routing import launch as builder
    else:
        builder = {"torch": torch_impl, "reference": reference}[chosen]
    return builder.build(slots, lengths, seq_len, num_tokens, max_segments)
