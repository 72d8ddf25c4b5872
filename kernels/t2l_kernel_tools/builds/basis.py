"""What `t2l_kernel_tools.aot` compiles of the core step: the launchers' own plans and flags."""

from collections.abc import Iterator

import torch

from t2l_kernel_tools.builds.build import ROUTE_POINTERS, Build
from t2l_kernels._core.arch import DTYPES, launch_options
from t2l_kernels.basis.kernel import basis_core_kernel, basis_keep_kernel
from t2l_kernels.basis.plans import KEEP_COLUMNS, core_plan, row_block

RANKS = (1, 8, 16, 32, 64, 128)
HIDDENS = (64, 512, 2048, 513)
"""Hidden sizes of A's and B's basis; the last, a bias row without padding, no tile divides."""


def builds(arch: str, *, quick: bool) -> Iterator[Build]:
    """Yield all plans × dtypes × block sizes for `arch`; quick: one plan."""
    for dtype in (torch.bfloat16,) if quick else DTYPES:
        yield _keep(arch, dtype)
        for rank in (16,) if quick else RANKS:
            for hidden in (512,) if quick else HIDDENS:
                sizes = {
                    row_block(tokens, 1, hidden, hidden, rank, dtype) for tokens in (1, 1 << 20)
                }
                for block_m in sorted(sizes):
                    # slabs have live ranks; batches that are trained do not
                    for live in (True,) if quick else (True, False):
                        yield _core(arch, dtype, rank, hidden, block_m, live=live)


def _core(
    arch: str, dtype: torch.dtype, rank: int, hidden: int, block_m: int, *, live: bool
) -> Build:
    plan = core_plan(hidden, hidden, rank, dtype, arch)
    tensors = dict.fromkeys(("u_ptr", "core_a_ptr", "core_b_ptr", "v_ptr", "s_ptr"), dtype)
    tensors |= {"ranks_ptr": torch.int32} if live else {}
    tables = ("order_ptr", "blocks_ptr", "summary_ptr", "scalings_ptr")
    flags = {"HAS_RANKS": live, "UPCAST": False}
    return Build(
        op="basis_core",
        plan=f"basis_core {hidden} r{rank}",
        shape=f"h {hidden} r {rank} m {block_m} {'serving' if live else 'training'}",
        dtype=dtype,
        arch=arch,
        kernel=basis_core_kernel,
        pointers={name: ROUTE_POINTERS[name] for name in tables} | tensors,
        constants=plan.constants(hidden, hidden, rank, block_m) | flags | launch_options(arch),
        divisible=frozenset({"hidden_a", "hidden_b"} if hidden % 16 == 0 else ()),
    )


def _keep(arch: str, dtype: torch.dtype) -> Build:
    tables = ("order_ptr", "summary_ptr")
    return Build(
        op="basis_keep",
        plan="basis_keep",
        shape="d 4096",
        dtype=dtype,
        arch=arch,
        kernel=basis_keep_kernel,
        pointers={name: ROUTE_POINTERS[name] for name in tables}
        | {"residual_ptr": dtype, "out_ptr": dtype},
        constants={"BLOCK_N": KEEP_COLUMNS, "num_warps": 4},
        divisible=frozenset({"width"}),
    )
