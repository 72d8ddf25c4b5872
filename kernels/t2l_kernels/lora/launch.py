"""Launches of the LoRA kernels: plans, grids and outputs; nothing here waits for the device.

Arguments have the names and shapes of `t2l_kernels.lora.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor

from t2l_kernels._core.arch import DTYPES, arch_of, launch_options, programs_at_most
from t2l_kernels._core.checks import check_contiguous, check_dtype, check_ranks, check_slot_range
from t2l_kernels.lora import plans
from t2l_kernels.lora.kernel import lora_expand_kernel, lora_grad_kernel, lora_shrink_kernel
from t2l_kernels.routing.route import Route


def shrink(
    x: Tensor, weight: Tensor, route: Route, ranks: Tensor | None, out: Tensor | None = None
) -> Tensor:
    """Return s `[P, T, R]` fp32: `s[p, t] = x[t, chunk p] weight[slot(t), :, chunk p]ᵀ`.

    Args:
        x: `[T, width]`.
        weight: `[S, R, width]`.
        out: memory for s, or None.
    """
    _check(weight, route, None, ranks)
    x = x.contiguous()
    num_tokens, width = x.shape
    rank = weight.shape[1]
    arch = arch_of(x.device)
    plan = plans.shrink_plan(width, rank, x.dtype, arch)
    if out is None:
        out = torch.empty((plan.planes, num_tokens, rank), dtype=torch.float32, device=x.device)
    block_m = plans.row_block(num_tokens, route.max_segments, width, rank, weight.dtype)
    blocks = route.block_table(block_m)
    capacity = blocks.shape[1]
    if capacity == 0:
        return out
    grid = (min(capacity, programs_at_most(block_m, plan.planes)), plan.planes)
    with torch.cuda.device_of(x):
        lora_shrink_kernel[grid](
            x,
            weight,
            out,
            route.order,
            blocks,
            route.summary,
            ranks,
            weight.shape[0],
            capacity,
            num_tokens,
            width,
            HAS_RANKS=ranks is not None,
            UPCAST=_upcast(x),
            **plan.constants(width, rank, block_m),
            **launch_options(arch),
        )
    return out


def expand(
    s: Tensor,
    weight: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
    *,
    base: Tensor | None,
    out: Tensor,
    total: Tensor | None = None,
) -> None:
    """Write `out[t] = base[t] + scaling · (Σ_p s[p, t]) weight[slot(t)]`.

    Rows of slot −1 take the base.

    Args:
        s: `[P, T, R]` fp32.
        weight: `[S, R, width]`.
        base: `[T, width]`, None for zeros; `out` itself: in place, rows of slot −1 not touched.
        out: `[T, width]`.
        total: `[T, R]` in the weight's dtype: receives the sum of the planes.
    """
    _check(weight, route, scalings, ranks)
    check_contiguous("out", out)
    check_contiguous("s", s)
    num_tokens, width = out.shape
    rank = weight.shape[1]
    arch = arch_of(out.device)
    plan = plans.expand_plan(width, rank, weight.dtype, arch)
    block_m = plans.row_block(num_tokens, route.max_segments, width, rank, weight.dtype)
    blocks = route.block_table(block_m)
    capacity = blocks.shape[1]
    if capacity == 0:
        return
    groups, columns = plans.column_groups(width, plan.block_n, block_m, capacity)
    with torch.cuda.device_of(out):
        lora_expand_kernel[(min(capacity, programs_at_most(block_m, groups)), groups)](
            s,
            weight,
            base,
            out,
            total,
            route.order,
            blocks,
            route.summary,
            ranks,
            scalings,
            weight.shape[0],
            capacity,
            num_tokens,
            width,
            columns,
            PLANES=s.shape[0],
            HAS_RANKS=ranks is not None,
            HAS_BASE=base is not None,
            IN_PLACE=base is out,
            KEEP_SUM=total is not None,
            UPCAST=_upcast(weight),
            **plan.constants(width, rank, block_m),
            **launch_options(arch),
        )


def grad(
    s: Tensor,
    rows: Tensor,
    like: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
) -> Tensor:
    """Return `scaling · Σ_t s[t]ᵀ rows[t]` over each slot's tokens, `[S, R, width]`.

    Args:
        s: `[T, R]`, dtype of `rows`.
        rows: `[T, width]`.
        like: the adapter tensor `[S, R, width]`.
    """
    out = torch.empty_like(like, memory_format=torch.contiguous_format)
    num_slots, rank, width = like.shape
    if out.numel() == 0:
        return out
    arch = arch_of(rows.device)
    plan = plans.grad_plan(width, rank, rows.dtype, arch)
    with torch.cuda.device_of(rows):
        lora_grad_kernel[(min(num_slots, plans.GRAD_PROGRAMS), -(-width // plan.block_d))](
            s,
            rows,
            out,
            route.order,
            route.segment_slots,
            route.segment_starts,
            route.summary,
            ranks,
            scalings,
            num_slots,
            width,
            HAS_RANKS=ranks is not None,
            UPCAST=_upcast(rows),
            **plan.constants(width, rank),
            **launch_options(arch),
        )
    return out


def _check(weight: Tensor, route: Route, scalings: Tensor | None, ranks: Tensor | None) -> None:
    check_dtype("x, lora_a and lora_b", weight, *DTYPES, why=" for impl='triton'")
    check_contiguous("lora_a and lora_b", weight)
    for name, table in (("scalings", scalings), ("ranks", ranks)):
        if table is not None:
            check_contiguous(name, table)
    if weight.device.type == "cpu":
        _check_values(weight, route, ranks)


def _check_values(weight: Tensor, route: Route, ranks: Tensor | None) -> None:
    # a GPU is not asked: its kernels assert, where TRITON_DEBUG=1 asks them to
    check_slot_range(route.segment_slots[: int(route.summary[0])].tolist(), weight.shape[0])
    if ranks is not None:
        check_ranks(ranks.tolist(), weight.shape[1])


def _upcast(tensor: Tensor) -> bool:
    # the interpreter's dot is silently wrong on bf16
    return tensor.dtype == torch.bfloat16 and tensor.device.type == "cpu"
