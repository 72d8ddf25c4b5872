"""What `t2l_kernel_tools.aot` compiles of the LoRA kernels: the launchers' own plans and flags."""

from collections.abc import Iterator

import torch

from t2l_kernel_tools.builds.build import ROUTE_POINTERS, Build
from t2l_kernels._core.arch import DTYPES, launch_options
from t2l_kernels.lora import plans
from t2l_kernels.lora.kernel import lora_expand_kernel, lora_grad_kernel, lora_shrink_kernel

RANKS = (1, 8, 16, 32, 64, 128)
WIDTHS = (4096, 14336, 4112, 2049)
"""One that tiles divide, one of many planes, one that ends within a tile, one without vectors."""

_EXPAND = {
    "in place": {"HAS_BASE": True, "IN_PLACE": True, "KEEP_SUM": False},
    "training": {"HAS_BASE": True, "IN_PLACE": False, "KEEP_SUM": True},
    "gradient": {"HAS_BASE": False, "IN_PLACE": False, "KEEP_SUM": True},
    "gradient of x alone": {"HAS_BASE": False, "IN_PLACE": False, "KEEP_SUM": False},
}


def builds(arch: str, *, quick: bool) -> Iterator[Build]:
    """Yield all plans × dtypes × modes for `arch`; quick: one of each kernel."""
    dtypes = (torch.bfloat16,) if quick else DTYPES
    for dtype in dtypes:
        for rank in (16,) if quick else RANKS:
            for width in WIDTHS[:1] if quick else WIDTHS:
                yield from _plan(arch, dtype, rank, width, quick=quick)


def _plan(arch: str, dtype: torch.dtype, rank: int, width: int, *, quick: bool) -> Iterator[Build]:
    def build(op: str, mode: str, kernel, pointers: dict, constants: dict) -> Build:
        names = set(kernel.arg_names)
        # slabs have live ranks; batches that are trained do not
        live = mode.endswith(("in place", "serving"))
        flags = {"HAS_RANKS": live, "UPCAST": False}
        pointers = pointers | ({"ranks_ptr": torch.int32} if live else {})
        return Build(
            op=op,
            plan=f"{op} {width} r{rank}",
            shape=f"d {width} r {rank} {mode}",
            dtype=dtype,
            arch=arch,
            kernel=kernel,
            pointers={n: t for n, t in (ROUTE_POINTERS | pointers).items() if n in names},
            constants=constants | flags | launch_options(arch),
            divisible=frozenset({"width", "columns"} if width % 16 == 0 else {"columns"}),
        )

    shrink = plans.shrink_plan(width, rank, dtype, arch)
    expand = plans.expand_plan(width, rank, dtype, arch)
    grad = plans.grad_plan(width, rank, dtype, arch)
    wide = {"x_ptr": dtype, "weight_ptr": dtype, "s_ptr": torch.float32}
    modes = {"in place": _EXPAND["in place"]} if quick else _EXPAND
    blocks = {plans.row_block(tokens, 1, width, rank, dtype) for tokens in (1, 1 << 20)}
    for block_m in sorted(blocks):
        constants = shrink.constants(width, rank, block_m)
        for mode in ("serving",) if quick else ("serving", "training"):
            yield build("lora_shrink", f"m {block_m} {mode}", lora_shrink_kernel, wide, constants)
        for mode, flags in modes.items():
            pointers = wide | {"out_ptr": dtype}
            pointers |= {"base_ptr": dtype} if flags["HAS_BASE"] else {}
            pointers |= {"sum_ptr": dtype} if flags["KEEP_SUM"] else {}
            constants = expand.constants(width, rank, block_m) | flags | {"PLANES": shrink.planes}
            label = f"m {block_m} {mode}"
            yield build("lora_expand", label, lora_expand_kernel, pointers, constants)
    pointers = {"s_ptr": dtype, "rows_ptr": dtype, "grad_ptr": dtype}
    yield build("lora_grad", "", lora_grad_kernel, pointers, grad.constants(width, rank))
