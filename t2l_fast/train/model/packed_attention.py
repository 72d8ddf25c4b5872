"""Rows laid end to end, on models whose attention transformers lets us replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from t2l_fast.attention import flash

ATTENTION = "t2l_fast_packed"
_SHORT = 128
"""Rows up to this length take plain matmuls on a CPU, whose fused attention is slow backward."""


@contextmanager
def packed_attention(model: Any) -> Iterator[None]:
    """Let every row attend to itself alone, causally; see `attend`.

    FlashAttention does that by itself, from the same sequence lengths.
    """
    from transformers import AttentionInterface

    before = model.config._attn_implementation
    if flash(model):
        yield
        return
    AttentionInterface.register(ATTENTION, attend)
    model.set_attn_implementation(ATTENTION)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def packed_by_us(model: Any) -> bool:
    """Return whether `attend` is on, which needs `row_widths`."""
    return getattr(model.config, "_attn_implementation", None) == ATTENTION


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    row_widths: Sequence[int],
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend causally within each row, for rows of one length at once.

    Args:
        query: `[1, heads, T, d]`.
        key, value: `[1, groups, T, d]`, each for `heads / groups` heads.
        row_widths: how many of the T tokens each row has; on the host, so that no layer waits for a
            GPU to tell.

    Returns:
        `[1, T, heads, d]`.
    """
    outputs, start = [], 0
    for length, rows in groupby(row_widths):
        count = sum(1 for _ in rows)
        stop = start + count * length
        # [heads, T, d] → [rows, heads, length, d]
        parts = (
            t[0, :, start:stop].unflatten(1, (count, length)).transpose(0, 1)
            for t in (query, key, value)
        )
        outputs.append(_causal(*parts, scaling).transpose(1, 2).flatten(0, 1))
        start = stop
    return torch.cat(outputs).unsqueeze(0), None


def _causal(q: Tensor, k: Tensor, v: Tensor, scaling: float) -> Tensor:
    """`[rows, heads, length, d]`."""
    rows, groups, length, _ = k.shape
    if q.is_cuda or length > _SHORT:
        return scaled_dot_product_attention(
            q, k, v, is_causal=True, scale=scaling, enable_gqa=q.shape[1] != groups
        )
    future = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
    together = q.reshape(rows, groups, -1, q.shape[-1])  # heads of a group, one after the other
    scores = (together @ k.transpose(2, 3)).unflatten(2, (-1, length)) * scaling
    wide = torch.promote_types(v.dtype, torch.float32)
    shares = scores.masked_fill(future, -torch.inf).softmax(-1, dtype=wide).to(v.dtype)
    return (shares.flatten(2, 3) @ v).view_as(q)
