"""Attention over a paged cache without FlashAttention: every request reads its own pages alone.

transformers' own path for that, sdpa under a mask, multiplies every query of a batch with the keys
of all requests in it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from t2l_fast.errors import ArgumentError, UnsupportedModel

ATTENTION, EAGER = "t2l_fast_paged", "t2l_fast_paged_eager"
"""Names of `attend_paged` and `attend_eager` among transformers' attentions."""
_REFUSED = ("softcap", "sliding_window", "s_aux", "position_bias")
"""What changes the result, and is not run by `attend_paged`."""
_SPREAD = 1.25
"""Requests that read up to this many times as much as each other are padded to one length."""


@dataclass(frozen=True)
class Group:
    """Requests that one attention call serves.

    Fields:
        rows: `[n, q]` int64, their tokens in the batch.
        cells: `[n, k]` int64, the cache cells they read; None = the keys are the tokens themselves.
        mask: `[n, 1, q, k]` bool, True where a query sees a key; None = causal over q = k.
    """

    rows: Tensor
    cells: Tensor | None
    mask: Tensor | None


def plan(queries: Sequence[int], keys: Sequence[int], read_index: Tensor) -> list[Group]:
    """Put the requests of a batch into groups, once for all layers.

    Args:
        queries: tokens of each request in this batch.
        keys: what each attends to: its cached tokens and these.
        read_index: `[sum(keys)]` int64 cache cells, request by request; empty = nothing is cached.
    """
    sizes: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    row = cell = 0
    for q, k in zip(queries, keys, strict=True):
        width = 0 if q == k else _bucket(k)
        sizes.setdefault((q, width), []).append((row, cell, k))
        row, cell = row + q, cell + k
    return [_group(q, members, read_index) for (q, _), members in sizes.items()]


def _bucket(k: int) -> int:
    return ceil(log(max(k, 16)) / log(_SPREAD))


def _group(q: int, members: list[tuple[int, int, int]], read_index: Tensor) -> Group:
    device = read_index.device
    starts, cells, lengths = torch.tensor(members, device=device).unbind(1)
    rows = starts[:, None] + torch.arange(q, device=device)
    widest = max(k for *_, k in members)
    if widest == q:
        return Group(rows, None, None)
    column = torch.arange(widest, device=device)
    inside = torch.minimum(column, lengths[:, None] - 1)
    last = lengths[:, None] - q + torch.arange(q, device=device)  # of what each query sees
    mask = column <= last[:, None, :, None]
    whole = q == 1 and all(k == widest for *_, k in members)
    return Group(rows, read_index[cells[:, None] + inside], None if whole else mask)


def attend_paged(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    pages: Any,
    write_index: Sequence[Tensor],
    paged_groups: Sequence[Group],
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Write a batch's keys and values to the cache, then attend request by request.

    Args:
        query: `[1, heads, T, d]`.
        key, value: `[1, groups, T, d]`, each for `heads / groups` heads.
        pages: transformers' `PagedAttentionCache`.
        paged_groups: of `plan`.

    Returns:
        `[1, T, heads, d]`.

    Raises:
        ArgumentError: the model asks for what is not run here, as a cap on attention logits.
    """
    unfit = [name for name in _REFUSED if kwargs.get(name) is not None] + ["dropout"] * (
        dropout > 0
    )
    if unfit:
        raise ArgumentError(
            f"pages run plain causal attention, got {' and '.join(unfit)}: serve the model with "
            'attention="padded"'
        )
    allocator = pages.layer_to_allocator[module.layer_idx]
    # cells are kept as [cells, groups, d]; only the module knows which layer they belong to
    stored_k, stored_v = allocator._kv_token_views[module.layer_idx]
    q, k, v = (t[0].transpose(0, 1) for t in (query, key, value))
    stored_k.index_copy_(0, write_index[allocator.index], k)
    stored_v.index_copy_(0, write_index[allocator.index], v)
    out = torch.empty(q.shape, dtype=q.dtype, device=q.device)
    for group in paged_groups:
        size = group.rows.shape
        flat = group.rows.reshape(-1)
        mine = q[flat].unflatten(0, size)
        if group.cells is None:
            seen_k, seen_v = (t[flat].unflatten(0, size) for t in (k, v))
        else:
            cells = group.cells.reshape(-1)
            seen_k, seen_v = (
                t.index_select(0, cells).unflatten(0, group.cells.shape)
                for t in (stored_k, stored_v)
            )
        out[flat] = _attend(mine, seen_k, seen_v, group, scaling).flatten(0, 1)
    return out.unsqueeze(0), None


def attend_eager(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    cache: Any = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attend as the model's own file does, over the pages of all requests under a mask.

    transformers' own way, `paged|eager`, leaves out what it does not know, as a cap on the logits.

    Args:
        query: `[1, heads, T, d]`.
        key, value: `[1, groups, T, d]`; all that are cached, where the model writes them itself.
        attention_mask: `[1, 1, T, keys]`, added to the logits.
        cache: transformers' `PagedAttentionCache`, where the model does not (up to 5.23).

    Returns:
        `[1, T, heads, d]`, and the weights where the model gives them.

    Raises:
        UnsupportedModel: the file has no such attention.
    """
    if cache is not None:
        key, value = cache.update(
            key_states=key, value_states=value, layer_idx=module.layer_idx, kwargs=kwargs
        )
    files = (sys.modules.get(kind.__module__) for kind in type(module).__mro__)
    own = next((f for file in files if (f := getattr(file, "eager_attention_forward", None))), None)
    if own is None:
        raise UnsupportedModel(
            f"a model's file must have eager_attention_forward, got none for "
            f"{type(module).__name__}: load the model with another attn_implementation"
        )
    return own(module, query, key, value, attention_mask, **kwargs)


def _attend(q: Tensor, k: Tensor, v: Tensor, group: Group, scaling: float) -> Tensor:
    """`[n, q, heads, d]` over `[n, k, groups, d]`."""
    n, length, heads, d = q.shape
    k, v = k.transpose(1, 2), v.transpose(1, 2)
    if length == 1:  # the heads of a group are as good as its queries
        together = q.view(n, k.shape[1], -1, d)
        return scaled_dot_product_attention(
            together, k, v, attn_mask=group.mask, scale=scaling
        ).view(n, 1, heads, d)
    gqa = heads != k.shape[1]
    causal = group.cells is None
    return scaled_dot_product_attention(
        q.transpose(1, 2), k, v, group.mask, is_causal=causal, scale=scaling, enable_gqa=gqa
    ).transpose(1, 2)
