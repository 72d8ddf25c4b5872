"""The oracle: one token at a time, fp32 or fp64. Differentiable by autograd.

Arguments have the names and shapes of `t2l_kernels.basis.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor

from t2l_kernels._core.checks import check_ranks
from t2l_kernels.lora.reference import accumulator


def basis_lora(
    x: Tensor,
    basis_a: Tensor,
    core_a: Tensor,
    core_b: Tensor,
    basis_b: Tensor,
    token_slots: Tensor,
    scalings: Tensor,
    ranks: Tensor | None,
    residual: Tensor | None,
) -> Tensor:
    """Compute `ops.basis_lora` token by token, fp32 sums (fp64 for fp64 inputs)."""
    wide = accumulator(x.dtype)
    check_ranks([] if ranks is None else ranks.tolist(), core_a.shape[1])
    base = x.new_zeros((x.shape[0], basis_b.shape[0])) if residual is None else residual
    out = []
    for token, slot in enumerate(token_slots.tolist()):
        if slot < 0:
            out.append(base[token])
            continue
        rank = core_a.shape[1] if ranks is None else int(ranks[slot])
        u = basis_a.to(wide) @ x[token].to(wide)
        s = core_a[slot, :rank].to(wide) @ u
        v = scalings[slot].to(wide) * (s @ core_b[slot, :rank].to(wide))
        delta = basis_b.to(wide) @ v
        out.append((base[token].to(wide) + delta).to(x.dtype))
    return torch.stack(out) if out else base.clone()
