"""What `t2l_kernel_tools.aot` compiles of the L1 kernels: the launcher's own plans and flags."""

from collections.abc import Iterator

import torch

from t2l_kernel_tools.builds.build import Build
from t2l_kernels._core.arch import DTYPES, launch_options
from t2l_kernels.recon.kernel import lowrank_l1_grad_kernel, lowrank_l1_kernel
from t2l_kernels.recon.plans import l1_plan

RANKS = ((8, 8), (16, 16), (8, 64), (32, 32), (64, 64), (128, 128))
"""Ranks of a_hat and of its target."""
WIDTHS = (4096, 4112, 2049)
"""One that tiles divide, one that ends within a tile, one without vectors."""


def builds(arch: str, *, quick: bool) -> Iterator[Build]:
    """Yield all plans × dtypes for `arch`; quick: one of each kernel."""
    for dtype in (torch.bfloat16,) if quick else DTYPES:
        for rank, target_rank in RANKS[:1] if quick else RANKS:
            for width in WIDTHS[:1] if quick else WIDTHS:
                yield from _plan(arch, dtype, rank, target_rank, width)


def _plan(
    arch: str, dtype: torch.dtype, rank: int, target_rank: int, width: int
) -> Iterator[Build]:
    plan = l1_plan(width, width, rank, target_rank, dtype, arch)
    pointers = {
        "own_hat_ptr": dtype,
        "own_ptr": dtype,
        "other_hat_ptr": dtype,
        "other_ptr": dtype,
        "sums_ptr": torch.float32,
        "factor_ptr": torch.float32,
        "grad_ptr": dtype,
    }
    for kernel in (lowrank_l1_kernel, lowrank_l1_grad_kernel):
        op = kernel.__name__.removesuffix("_kernel")
        yield Build(
            op=op,
            plan=f"{op} {width} r{rank} R{target_rank}",
            shape=f"d {width} r {rank} R {target_rank}",
            dtype=dtype,
            arch=arch,
            kernel=kernel,
            pointers={n: t for n, t in pointers.items() if n in kernel.arg_names},
            constants=plan.constants(width, width, rank, target_rank)
            | {"UPCAST": False}
            | launch_options(arch),
            divisible=frozenset({"width", "length"} if width % 16 == 0 else ()),
            floats=frozenset({"scale"}),
        )
