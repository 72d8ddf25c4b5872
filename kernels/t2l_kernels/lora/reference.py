"""The oracle: one token at a time, elementwise products, fp32 or fp64. Differentiable by autograd.

A token's numbers never depend on the batch: no BLAS call sees more than that token.

Arguments have the names and shapes of `t2l_kernels.lora.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor

from t2l_kernels._core.checks import check_ranks


def accumulator(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype of sums: fp32, fp64 for fp64 inputs."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def shrink(x: Tensor, lora_a: Tensor, token_slots: Tensor, ranks: Tensor | None) -> Tensor:
    """Compute s[t] = A[slot] x[t], shape `[1, T, R]`; unspecified entries are zero here."""
    wide = accumulator(x.dtype)
    check_ranks([] if ranks is None else ranks.tolist(), lora_a.shape[1])
    s = x.new_zeros((1, x.shape[0], lora_a.shape[1]), dtype=wide)
    for token, slot in enumerate(token_slots.tolist()):
        if slot < 0:
            continue
        rank = lora_a.shape[1] if ranks is None else int(ranks[slot])
        s[0, token, :rank] = (lora_a[slot, :rank].to(wide) * x[token].to(wide)).sum(-1)
    return s


def delta(
    s: Tensor, lora_b: Tensor, token_slots: Tensor, scalings: Tensor, ranks: Tensor | None
) -> list[Tensor | None]:
    """Compute scaling[slot] · s[t] B[slot] per token, s summed over planes; None for slot −1."""
    planes = s.sum(0)
    check_ranks([] if ranks is None else ranks.tolist(), lora_b.shape[1])
    rows: list[Tensor | None] = []
    for token, slot in enumerate(token_slots.tolist()):
        if slot < 0:
            rows.append(None)
            continue
        rank = lora_b.shape[1] if ranks is None else int(ranks[slot])
        weight = lora_b[slot, :rank].to(s.dtype)
        rows.append(scalings[slot].to(s.dtype) * (planes[token, :rank, None] * weight).sum(0))
    return rows


def multi_lora(
    x: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    token_slots: Tensor,
    scalings: Tensor,
    ranks: Tensor | None,
    residual: Tensor | None,
) -> Tensor:
    """Compute `ops.multi_lora` token by token, differentiable by autograd."""
    base = x.new_zeros((x.shape[0], lora_b.shape[2])) if residual is None else residual
    rows = delta(shrink(x, lora_a, token_slots, ranks), lora_b, token_slots, scalings, ranks)
    out = [
        base[t] if row is None else (base[t].to(row.dtype) + row).to(base.dtype)
        for t, row in enumerate(rows)
    ]
    return torch.stack(out) if out else base.clone()
