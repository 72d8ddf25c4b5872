"""Launches of the core step's kernels; nothing here waits for the device.

Arguments have the names and shapes of `t2l_kernels.basis.api`, unless a docstring says otherwise.
"""

import torch
from torch import Tensor

from t2l_kernels._core.arch import DTYPES, arch_of, launch_options, programs_at_most
from t2l_kernels._core.checks import check_contiguous, check_dtype, check_ranks, check_slot_range
from t2l_kernels.basis.kernel import basis_core_kernel, basis_keep_kernel
from t2l_kernels.basis.plans import KEEP_COLUMNS, KEEP_PROGRAMS, core_plan, row_block
from t2l_kernels.lora.triton_impl import backward as core_backward
from t2l_kernels.routing.route import Route


def core(
    u: Tensor,
    core_a: Tensor,
    core_b: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Return v `[T, h_b]` and s `[T, R]`, in token order and u's dtype; both zero for slot −1.

    Args:
        u: `[T, h_a]`.
        core_a: `[S, R, h_a]`.
        core_b: `[S, R, h_b]`.
    """
    check_dtype("core_a", core_a, *DTYPES, why=" for impl='triton'")
    tables = {"core_a": core_a, "core_b": core_b, "scalings": scalings, "ranks": ranks}
    for name, tensor in tables.items():
        if tensor is not None:
            check_contiguous(name, tensor)
    if core_a.device.type == "cpu":
        _check_values(core_a, route, ranks)
    u = u.contiguous()
    num_tokens, hidden_a = u.shape
    num_slots, rank, hidden_b = core_b.shape
    v, s = u.new_empty((num_tokens, hidden_b)), u.new_empty((num_tokens, rank))
    arch = arch_of(u.device)
    plan = core_plan(hidden_a, hidden_b, rank, u.dtype, arch)
    block_m = row_block(num_tokens, route.max_segments, hidden_a, hidden_b, rank, u.dtype)
    blocks = route.block_table(block_m)
    capacity = blocks.shape[1]
    if capacity == 0:
        return v, s
    with torch.cuda.device_of(u):
        basis_core_kernel[(min(capacity, programs_at_most(block_m, 1)),)](
            u,
            core_a,
            core_b,
            v,
            s,
            route.order,
            blocks,
            route.summary,
            ranks,
            scalings,
            num_slots,
            capacity,
            num_tokens,
            hidden_a,
            hidden_b,
            HAS_RANKS=ranks is not None,
            # the interpreter's dot is silently wrong on bf16
            UPCAST=u.dtype == torch.bfloat16 and u.device.type == "cpu",
            **plan.constants(hidden_a, hidden_b, rank, block_m),
            **launch_options(arch),
        )
    return v, s


def keep(out: Tensor, residual: Tensor, route: Route) -> None:
    """Give rows of slot −1 of `out` the residual's bits; both `[T, out]`, of one dtype."""
    if out.numel() == 0:
        return
    num_tokens, width = out.shape
    with torch.cuda.device_of(out):
        basis_keep_kernel[(min(num_tokens, KEEP_PROGRAMS),)](
            residual.contiguous(),
            out,
            route.order,
            route.summary,
            num_tokens,
            width,
            BLOCK_N=KEEP_COLUMNS,
        )


def _check_values(core_a: Tensor, route: Route, ranks: Tensor | None) -> None:
    # a GPU is not asked: its kernels assert, where TRITON_DEBUG=1 asks them to
    check_slot_range(route.segment_slots[: int(route.summary[0])].tolist(), core_a.shape[0])
    if ranks is not None:
        check_ranks(ranks.tolist(), core_a.shape[1])


__all__ = ["core", "core_backward", "keep"]
